"""The flow of a TCP or UDP router for the dashboard: entry points, middlewares, service, servers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct

from proxy.admin.ejections import ejection_keys
from proxy.admin.pages.request_flow import MAX_DEPTH, MAX_SERVERS, MAX_SERVICES
from proxy.admin.views.tcp import TcpRouterView
from proxy.admin.views.udp import UdpRouterView
from rondpoint.go_durations import go_duration
from rondpoint.middlewares.display import format_options, shown_options
from rondpoint.middlewares.schemas import TCP_SCHEMAS
from rondpoint.model import Middleware, ServerState
from rondpoint.settings import EntryPoint
from rondpoint.tcp.model import TcpHealthCheck, TcpServersTransport, TcpService
from rondpoint.udp.model import UdpService


class Layer4EntryPoint(Struct, frozen=True):
    """An entry point; `closed` is the reason if it is closed."""

    name: str
    address: str
    closed: str = ""


class Layer4Middleware(Struct, frozen=True):
    """A middleware; `kind` is empty if it does not exist. `options` is a text."""

    name: str
    kind: str
    options: str = ""


class Layer4Server(Struct, frozen=True):
    """A server. `state` is `up`, `draining`, `down`, or `ejected` if it cannot be reached.

    With `tls`, the proxy speaks TLS to it.
    """

    name: str
    address: str
    state: str
    tls: bool = False


class Layer4Service(Struct, frozen=True):
    """A service with its servers or member services; `more` counts those that are not shown.

    `weight` is its weight in the composite service, None for the router's own service. `options` are texts
    such as `PROXY protocol 2`. `fault` says why it takes nothing.
    """

    name: str
    weight: int | None = None
    options: tuple[str, ...] = ()
    servers: tuple[Layer4Server, ...] = ()
    more: int = 0
    members: tuple[Layer4Service, ...] = ()
    fault: str = ""


class Layer4Flow(Struct, frozen=True):
    """The way of a router's connections or datagrams; `protocol` is `tcp` or `udp`.

    `router` has no service if it was left out; neither has the flow.
    """

    protocol: str
    router: TcpRouterView | UdpRouterView
    entry_points: tuple[Layer4EntryPoint, ...]
    middlewares: tuple[Layer4Middleware, ...] = ()
    service: Layer4Service | None = None


class Layer4Sources(Struct, frozen=True):
    """The objects from which a flow is built.

    `closed` has the reasons of closed entry points; `ejected` holds the keys of ejections.
    """

    entry_points: Mapping[str, EntryPoint]
    services: Mapping[str, Any]
    middlewares: Mapping[str, Middleware]
    closed: Mapping[str, str]
    ejected: Collection[str] = ()


def tcp_flow(router: TcpRouterView, sources: Layer4Sources) -> Layer4Flow:
    """Return the flow of a TCP router."""
    middlewares = tuple(_middleware(name, sources) for name in router.middlewares)
    return Layer4Flow(
        "tcp", router, _entry_points(router.entry_points, sources), middlewares, _service_of(router, sources)
    )


def udp_flow(router: UdpRouterView, sources: Layer4Sources, udp_entry_points: Collection[str]) -> Layer4Flow:
    """Return the flow of a UDP router; `udp_entry_points` are those of a router that names none."""
    names = router.entry_points or (udp_entry_points if router.service else ())
    return Layer4Flow("udp", router, _entry_points(names, sources), (), _service_of(router, sources))


def _entry_points(names: Collection[str], sources: Layer4Sources) -> tuple[Layer4EntryPoint, ...]:
    return tuple(
        Layer4EntryPoint(name, sources.entry_points[name].address, sources.closed.get(name, ""))
        for name in names
        if name in sources.entry_points
    )


def _middleware(name: str, sources: Layer4Sources) -> Layer4Middleware:
    found = sources.middlewares.get(name)
    if found is None:
        return Layer4Middleware(name, "")
    return Layer4Middleware(name, found.kind, format_options(shown_options(found, TCP_SCHEMAS)))


def _service_of(router: TcpRouterView | UdpRouterView, sources: Layer4Sources) -> Layer4Service | None:
    if not router.service:
        return None
    return _service(router.service, sources, None, (), iter(range(MAX_SERVICES)))


def _service(
    name: str, sources: Layer4Sources, weight: int | None, above: tuple[str, ...], left: Iterator[int]
) -> Layer4Service:
    """Return the node of a service; `left` has one item for each service that may still be shown."""
    service: TcpService | UdpService | None = sources.services.get(name)
    if service is None:
        return Layer4Service(name, weight, fault="it does not exist")
    members: tuple[Layer4Service, ...] = ()
    if name not in above and len(above) < MAX_DEPTH:
        members = tuple(
            _service(member.name, sources, member.weight, (*above, name), left)
            for member in service.members
            if next(left, None) is not None
        )
    return Layer4Service(
        name=name,
        weight=weight,
        options=tuple(_options(service)) if isinstance(service, TcpService) else (),
        servers=tuple(_servers(service, sources.ejected)),
        more=max(0, len(service.servers) - MAX_SERVERS) + len(service.members) - len(members),
        members=members,
        fault=_fault(service),
    )


def _fault(service: TcpService | UdpService) -> str:
    if service.unserved:
        return service.unserved
    if isinstance(service, TcpService) and service.transport is not None and service.transport.unserved:
        return service.transport.unserved
    return "" if service.servers or service.members else "it has no servers"


def _servers(service: TcpService | UdpService, ejected: Collection[str]) -> Iterator[Layer4Server]:
    if isinstance(service, UdpService):
        for datagram_server in service.servers[:MAX_SERVERS]:
            yield Layer4Server(datagram_server.name, datagram_server.address, datagram_server.state.value)
        return
    for server in service.servers[:MAX_SERVERS]:
        is_ejected = server.state is ServerState.UP and any(
            key in ejected for key in ejection_keys(service, server)
        )
        state = "ejected" if is_ejected else server.state.value
        yield Layer4Server(server.name, server.address, state, server.tls)


def _options(service: TcpService) -> Iterator[str]:
    if service.servers_transport:
        yield f"transport {service.servers_transport}"
    if service.transport is not None:
        yield from _transport_options(service.transport)
    if service.health_check is not None:
        yield _health_check(service.health_check)


def _transport_options(transport: TcpServersTransport) -> Iterator[str]:
    if transport.proxy_protocol:
        yield f"PROXY protocol {transport.proxy_protocol}"


def _health_check(check: TcpHealthCheck) -> str:
    return f"health check every {go_duration(check.interval)}"
