"""TCP routers and services as Traefik 3's API shows them."""

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
from proxy.admin.views.tls_domains import DomainView, domain_views
from rondpoint.go_durations import go_duration
from rondpoint.middlewares.redaction import redact_sent
from rondpoint.tcp.model import (
    ProxyProtocolVersion,
    TcpHealthCheck,
    TcpRouter,
    TcpServersTransport,
    TcpService,
)

DEFAULT_TERMINATION_DELAY = TcpServersTransport("").termination_delay
"""Seconds."""


class TcpTlsView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """TLS of a TCP router. With `passthrough`, servers get the client's TLS as it is.

    Without `options`, the TLS options `default` count. Without `domains`, the hosts of the rule are the names
    of the certificate that the resolver obtains.
    """

    passthrough: bool
    options: str = ""
    cert_resolver: str = ""
    domains: tuple[DomainView, ...] = ()


class TcpRouterView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A TCP router. `using` lists the entry points that serve it; `error` explains its status.

    A router that was left out has only `name`, `provider`, `status` and `error`.
    """

    name: str
    provider: str
    status: str = ""
    entry_points: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    service: str = ""
    rule: str = ""
    priority: int = 0
    priority_str: str = ""
    tls: TcpTlsView | None = None
    using: tuple[str, ...] = ()
    error: tuple[str, ...] = ()


class TcpServerView(Struct, frozen=True, omit_defaults=True):
    """A server; with `tls`, the proxy speaks TLS to it."""

    address: str
    tls: bool = False


class TcpHealthCheckView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An active health check: what it sends, and how the response of a healthy server begins."""

    port: int = 0
    send: str = ""
    expect: str = ""
    interval: str = ""
    unhealthy_interval: str = ""
    timeout: str = ""


class ProxyProtocolView(Struct, frozen=True):
    """The version of the PROXY protocol header that servers get."""

    version: ProxyProtocolVersion


class TcpLoadBalancerView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Servers and options of a service; `termination_delay` is in milliseconds.

    `proxy_protocol` and `termination_delay` are there if the service itself sets them. Those of a servers
    transport are not shown, as in Traefik.
    """

    servers: tuple[TcpServerView, ...] = ()
    servers_transport: str = ""
    proxy_protocol: ProxyProtocolView | None = None
    termination_delay: int | None = None
    health_check: TcpHealthCheckView | None = None


class TcpServiceView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A TCP service. `server_status` maps each address to `UP`, or to `DOWN` if it gets nothing new."""

    name: str
    provider: str
    type: str = ""
    status: str = ""
    load_balancer: TcpLoadBalancerView | None = None
    weighted: WeightedView | None = None
    server_status: dict[str, str] = {}
    used_by: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    servers: tuple[NamedAddressView, ...] | None = None


def router_view(
    router: TcpRouter, object_status: ObjectStatus, default_entry_points: Collection[str]
) -> TcpRouterView:
    """Return the view of a router; `default_entry_points` are those of a router that names none."""
    points = router.entry_points or tuple(sorted(default_entry_points))
    return TcpRouterView(
        name=router.name,
        provider=provider_of(router.name),
        status=object_status.status,
        entry_points=points,
        middlewares=router.middlewares,
        service=router.service,
        rule=router.rule.text,
        priority=router.priority,
        priority_str=str(router.priority),
        tls=_tls(router) if router.tls else None,
        using=tuple(sorted(points)) if object_status.status != DISABLED else (),
        error=object_status.errors,
    )


def service_view(
    service: TcpService,
    object_status: ObjectStatus,
    used_by: tuple[str, ...],
    default_delay: float = DEFAULT_TERMINATION_DELAY,
) -> TcpServiceView:
    """Return the view of a service; `used_by` lists the routers, sorted.

    `default_delay` is the termination delay, in seconds, of services that set none.
    """
    return TcpServiceView(
        name=service.name,
        provider=provider_of(service.name),
        type=type_of(service),
        status=object_status.status,
        load_balancer=None if service.members else _load_balancer(service, default_delay),
        weighted=weighted_view(service.members) if service.members else None,
        server_status=statuses_by_address(service.servers),
        used_by=used_by,
        error=object_status.errors,
        servers=named_addresses(service.servers),
    )


def left_out_router(name: str, object_status: ObjectStatus) -> TcpRouterView:
    """Return the view of a router that is defined but not in force."""
    return TcpRouterView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )


def left_out_service(name: str, object_status: ObjectStatus) -> TcpServiceView:
    """Return the view of a service that is defined but not in force."""
    return TcpServiceView(
        name=name, provider=provider_of(name), status=object_status.status, error=object_status.errors
    )


def _tls(router: TcpRouter) -> TcpTlsView:
    return TcpTlsView(
        router.passthrough, router.tls_options, router.cert_resolver, domain_views(router.tls_domains)
    )


def _load_balancer(service: TcpService, default_delay: float) -> TcpLoadBalancerView:
    own = None if service.servers_transport else service.transport
    return TcpLoadBalancerView(
        servers=tuple(TcpServerView(server.address, server.tls) for server in service.servers),
        servers_transport=service.servers_transport,
        proxy_protocol=None
        if own is None or not own.proxy_protocol
        else ProxyProtocolView(own.proxy_protocol),
        termination_delay=None
        if own is None or own.termination_delay == default_delay
        else round(own.termination_delay * 1000),
        health_check=None if service.health_check is None else _health_check(service.health_check),
    )


def _health_check(check: TcpHealthCheck) -> TcpHealthCheckView:
    return TcpHealthCheckView(
        port=check.port,
        send=redact_sent(check.send),
        expect=check.expect,
        interval=go_duration(check.interval),
        unhealthy_interval="" if check.unhealthy_interval is None else go_duration(check.unhealthy_interval),
        timeout=go_duration(check.timeout),
    )
