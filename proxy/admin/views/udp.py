"""UDP routers and services as Traefik 3's API shows them."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from proxy.admin.views.layer4_services import (
    NamedAddressView,
    WeightedView,
    named_addresses,
    statuses_by_address,
    type_of,
    weighted_view,
)
from proxy.admin.views.object_status import DISABLED, ObjectStatus, provider_of
from rondpoint.udp.model import UdpRouter, UdpService


class UdpRouterView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A UDP router. `using` lists the entry points that serve it; `error` explains its status.

    `entry_points` are those that it names; without any, it uses all entry points for UDP.
    """

    name: str
    provider: str
    status: str = ""
    entry_points: tuple[str, ...] = ()
    service: str = ""
    using: tuple[str, ...] = ()
    error: tuple[str, ...] = ()


class UdpServerView(Struct, frozen=True):
    address: str


class UdpLoadBalancerView(Struct, frozen=True, omit_defaults=True):
    servers: tuple[UdpServerView, ...] = ()


class UdpServiceView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A UDP service. `server_status` maps each address to `UP`, or to `DOWN` if it gets nothing new."""

    name: str
    provider: str
    type: str = ""
    status: str = ""
    load_balancer: UdpLoadBalancerView | None = None
    weighted: WeightedView | None = None
    server_status: dict[str, str] = {}
    used_by: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    servers: tuple[NamedAddressView, ...] | None = None


def router_view(router: UdpRouter, object_status: ObjectStatus, served: Collection[str]) -> UdpRouterView:
    """Return the view of a router; `served` are the entry points that it serves."""
    return UdpRouterView(
        name=router.name,
        provider=provider_of(router.name),
        status=object_status.status,
        entry_points=router.entry_points,
        service=router.service,
        using=tuple(sorted(served)) if object_status.status != DISABLED else (),
        error=object_status.errors,
    )


def service_view(
    service: UdpService, object_status: ObjectStatus, used_by: tuple[str, ...]
) -> UdpServiceView:
    """Return the view of a service; `used_by` lists the routers, sorted."""
    servers = tuple(UdpServerView(server.address) for server in service.servers)
    return UdpServiceView(
        name=service.name,
        provider=provider_of(service.name),
        type=type_of(service),
        status=object_status.status,
        load_balancer=None if service.members else UdpLoadBalancerView(servers),
        weighted=weighted_view(service.members) if service.members else None,
        server_status=statuses_by_address(service.servers),
        used_by=used_by,
        error=object_status.errors,
        servers=named_addresses(service.servers),
    )


def left_out_router(name: str, object_status: ObjectStatus) -> UdpRouterView:
    """Return the view of a router that is defined but not in force."""
    return UdpRouterView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )


def left_out_service(name: str, object_status: ObjectStatus) -> UdpServiceView:
    """Return the view of a service that is defined but not in force."""
    return UdpServiceView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )
