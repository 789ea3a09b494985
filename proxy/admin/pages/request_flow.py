"""The way that a router's requests take, stage by stage, for a picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from msgspec import Struct

from proxy.admin.live.counter_deltas import server_key
from proxy.admin.views.routers import RouterView
from rondpoint.middlewares.kinds import MOST
from rondpoint.model import Middleware, Server, ServerState, Service
from rondpoint.settings import EntryPoint

MAX_SERVERS = 12
"""Servers of one service that are drawn."""

MAX_DEPTH = 6
"""Services within services that are drawn."""

MAX_SERVICES = 100
"""Services of one way that are drawn, at all depths: those that are made of each other multiply."""


class EntryPointNode(Struct, frozen=True):
    """An entry point; `closed` is the reason if it is closed."""

    name: str
    address: str
    tls: bool
    closed: str = ""


class MiddlewareNode(Struct, frozen=True):
    """A middleware; `kind` is empty where there is none of the name. Those of a chain follow it, deeper."""

    name: str
    kind: str
    depth: int = 0


class ServerNode(Struct, frozen=True):
    """A server; `state` is `up`, `draining`, `down`, or `aside` where it could not be reached.

    `key` is that of its figures.
    """

    key: str
    name: str
    url: str
    weight: int
    state: str


class ServiceNode(Struct, frozen=True):
    """A service, and the servers or services that its requests go on to; `more` of them are not drawn.

    `weight` is its share of the service above, None for the router's own. `fault` says why it serves nothing.
    """

    name: str
    strategy: str
    weight: int | None = None
    cookie: str = ""
    middlewares: tuple[MiddlewareNode, ...] = ()
    servers: tuple[ServerNode, ...] = ()
    more: int = 0
    members: tuple[ServiceNode, ...] = ()
    fault: str = ""

    def all_servers(self) -> Iterator[ServerNode]:
        """The servers that are drawn, those of members too."""
        yield from self.servers
        for member in self.members:
            yield from member.all_servers()


class RequestFlow(Struct, frozen=True):
    entry_points: tuple[EntryPointNode, ...]
    router: RouterView
    middlewares: tuple[MiddlewareNode, ...]
    service: ServiceNode | None


class FlowSources(Struct, frozen=True):
    """What a way is drawn from; `aside` are URLs of servers that were put aside."""

    entry_points: Mapping[str, EntryPoint]
    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    aside: Collection[str] = ()
    closed: Mapping[str, str] = MappingProxyType({})


def build_request_flow(router: RouterView, sources: FlowSources) -> RequestFlow:
    """From entry point to server."""
    points = sources.entry_points
    entry_points = tuple(
        EntryPointNode(name, points[name].address, points[name].tls is not None, sources.closed.get(name, ""))
        for name in router.entry_points
        if name in points
    )
    service = (
        _service_node(router.service, sources, None, (), iter(range(MAX_SERVICES)))
        if router.service
        else None
    )
    return RequestFlow(entry_points, router, _middleware_nodes(router.middlewares, sources), service)


def _middleware_nodes(names: Collection[str], sources: FlowSources) -> tuple[MiddlewareNode, ...]:
    # With more of them nothing is served, and chains of chains may come to endless ones.
    return tuple(islice(_unfold_middlewares(names, sources, ()), MOST))


def _unfold_middlewares(
    names: Collection[str], sources: FlowSources, above: tuple[str, ...]
) -> Iterator[MiddlewareNode]:
    for name in names:
        middleware = sources.middlewares.get(name)
        yield MiddlewareNode(name, "" if middleware is None else middleware.kind, len(above))
        if middleware is not None and middleware.kind == "chain" and name not in above:
            yield from _unfold_middlewares(middleware.options.get("middlewares", ()), sources, (*above, name))


def _service_node(
    name: str, sources: FlowSources, weight: int | None, above: tuple[str, ...], left: Iterator[int]
) -> ServiceNode:
    """`left` has an item for each service that may still be drawn."""
    service = sources.services.get(name)
    if service is None:
        return ServiceNode(name, "", weight, fault="it does not exist")
    members: tuple[ServiceNode, ...] = ()
    if name not in above and len(above) < MAX_DEPTH:
        members = tuple(
            _service_node(member.name, sources, member.weight, (*above, name), left)
            for member in service.members
            if next(left, None) is not None
        )
    servers = service.servers
    return ServiceNode(
        name=name,
        strategy=service.composition or service.strategy,
        weight=weight,
        cookie="" if service.sticky is None else service.sticky.called(name),
        middlewares=_middleware_nodes(service.middlewares, sources),
        servers=tuple(_server_node(name, server, sources.aside) for server in servers[:MAX_SERVERS]),
        more=max(0, len(servers) - MAX_SERVERS) + len(service.members) - len(members),
        members=members,
        fault=service.unserved or ("" if servers or service.members else "it has no servers"),
    )


def _server_node(service: str, server: Server, aside: Collection[str]) -> ServerNode:
    is_ejected = server.state is ServerState.UP and server.url in aside
    state = "aside" if is_ejected else server.state.value
    return ServerNode(server_key(service, server.url), server.name, server.url, server.weight, state)
