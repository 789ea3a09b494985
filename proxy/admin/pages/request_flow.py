"""The request flow of a router for the dashboard: entry points, middlewares, service, servers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from msgspec import Struct

from proxy.admin.certificates.router_tls import RouterTls
from proxy.admin.live.counter_deltas import server_key
from proxy.admin.pages.router_layers import NO_LAYERS, RouterLayers
from proxy.admin.views.routers import RouterView
from rondpoint.entry_points.options import NO_OPTIONS, EntryPointOptions, qualify_middlewares
from rondpoint.internal_services import INTERNAL_SERVICES
from rondpoint.middlewares.kinds import MAX_MIDDLEWARES
from rondpoint.model import Middleware, Router, Server, ServerState, Service
from rondpoint.settings import EntryPoint
from rondpoint.store.ejections import ejection_key

MAX_SERVERS = 12
"""Servers shown for one service."""

MAX_DEPTH = 6
"""Levels of nested services shown."""

MAX_SERVICES = 100
"""Services shown in one flow, at all depths: composite services of composite services multiply."""


class EntryPointNode(Struct, frozen=True):
    """An entry point; `closed` is the reason if it is closed. `tls`: the router's requests come over TLS.

    `middlewares` come before those of the router. `redirection` says where it redirects requests to.
    """

    name: str
    address: str
    tls: bool
    closed: str = ""
    middlewares: tuple[MiddlewareNode, ...] = ()
    redirection: str = ""


class MiddlewareNode(Struct, frozen=True):
    """A middleware; `kind` is empty if it does not exist. Members of a chain follow with greater `depth`."""

    name: str
    kind: str
    depth: int = 0


class ServerNode(Struct, frozen=True):
    """A server. `state` is `up`, `draining`, `down`, or `ejected` if it cannot be reached.

    `key` identifies its live figures.
    """

    key: str
    name: str
    url: str
    weight: int
    state: str


class MirrorNode(Struct, frozen=True):
    """A service that gets copies of `percent` % of the requests."""

    name: str
    percent: int


class ServiceNode(Struct, frozen=True):
    """A service with its servers or member services; `more` counts those that are not shown.

    `weight` is its weight in the composite service, None for the router's own service. `fault` says why the
    service cannot serve requests.
    """

    name: str
    strategy: str
    weight: int | None = None
    cookie: str = ""
    middlewares: tuple[MiddlewareNode, ...] = ()
    servers: tuple[ServerNode, ...] = ()
    more: int = 0
    members: tuple[ServiceNode, ...] = ()
    mirrors: tuple[MirrorNode, ...] = ()
    fault: str = ""

    def all_servers(self) -> Iterator[ServerNode]:
        """Yield the shown servers, including those of member services."""
        yield from self.servers
        for member in self.members:
            yield from member.all_servers()


class RouterNode(Struct, frozen=True):
    """A router above or below the router of the flow, with its own middlewares."""

    name: str
    rule: str
    middlewares: tuple[MiddlewareNode, ...] = ()


class RequestFlow(Struct, frozen=True):
    """The request flow of one router.

    `parents` are the routers above it, nearest first. `children` are the routers below it, which it has in
    place of a service; `more_children` counts those not shown. `tls` is None without requests over TLS.
    """

    entry_points: tuple[EntryPointNode, ...]
    router: RouterView
    middlewares: tuple[MiddlewareNode, ...]
    service: ServiceNode | None
    parents: tuple[RouterNode, ...] = ()
    children: tuple[RouterNode, ...] = ()
    more_children: int = 0
    tls: RouterTls | None = None

    def middleware_names(self) -> Iterator[str]:
        """Yield the names of the shown middlewares, which may repeat."""
        shown = [*(point.middlewares for point in self.entry_points), self.middlewares]
        if self.service is not None:
            shown.append(self.service.middlewares)
        for nodes in shown:
            yield from (node.name for node in nodes)


class FlowSources(Struct, frozen=True):
    """The objects from which a flow is built; `ejected` holds the keys of ejections."""

    entry_points: Mapping[str, EntryPoint]
    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    ejected: Collection[str] = ()
    closed: Mapping[str, str] = MappingProxyType({})
    entry_point_options: Mapping[str, EntryPointOptions] = MappingProxyType({})


def build_request_flow(
    router: RouterView,
    sources: FlowSources,
    layers: RouterLayers = NO_LAYERS,
    entry_points_of_roots: Collection[str] = (),
) -> RequestFlow:
    """Return the flow of a router's requests, from entry point to server.

    `layers` are the routers around it. A child router's requests come from `entry_points_of_roots`.
    """
    names = entry_points_of_roots if router.parent_refs else router.entry_points
    entry_points = tuple(
        _entry_point_node(name, router.name, sources, tls=router.tls is not None)
        for name in names
        if name in sources.entry_points
    )
    service = (
        _service_node(router.service, sources, None, (), iter(range(MAX_SERVICES)))
        if router.service
        else None
    )
    return RequestFlow(
        entry_points,
        router,
        _middleware_nodes(router.middlewares, sources),
        service,
        tuple(_router_node(each, sources) for each in layers.parents),
        tuple(_router_node(each, sources) for each in layers.children),
        layers.more,
    )


def _router_node(router: Router, sources: FlowSources) -> RouterNode:
    return RouterNode(router.name, router.rule.text, _middleware_nodes(router.middlewares, sources))


def _entry_point_node(name: str, router_name: str, sources: FlowSources, *, tls: bool) -> EntryPointNode:
    """Return the node of a router's entry point; `tls`: only its requests over TLS reach the router."""
    point = sources.entry_points[name]
    options = sources.entry_point_options.get(name, NO_OPTIONS)
    return EntryPointNode(
        name,
        point.address,
        tls or point.tls is not None,
        sources.closed.get(name, ""),
        _middleware_nodes(qualify_middlewares(options.middlewares, router_name), sources),
        # Without `tls` of the entry point, it redirects plain requests only.
        "" if options.redirection is None or (tls and point.tls is None) else options.redirection.target,
    )


def _middleware_nodes(names: Collection[str], sources: FlowSources) -> tuple[MiddlewareNode, ...]:
    # The proxy refuses longer chains, and nested chains can multiply without limit.
    return tuple(islice(_unfold_middlewares(names, sources, ()), MAX_MIDDLEWARES))


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
    """Return the node of a service; `left` has one item for each service that may still be shown."""
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
        cookie="" if service.sticky is None else service.sticky.name_for(name),
        middlewares=_middleware_nodes(service.middlewares, sources),
        servers=tuple(_server_node(name, server, sources.ejected) for server in servers[:MAX_SERVERS]),
        more=max(0, len(servers) - MAX_SERVERS) + len(service.members) - len(members),
        members=members,
        mirrors=_mirror_nodes(service),
        fault=service.unserved or ("" if _responds(service) else "it has no servers"),
    )


def _responds(service: Service) -> bool:
    """Return whether the service has something that responds to its requests."""
    return bool(service.servers or service.members) or service.name in INTERNAL_SERVICES


def _mirror_nodes(service: Service) -> tuple[MirrorNode, ...]:
    mirrors = () if service.mirroring is None else service.mirroring.mirrors
    return tuple(MirrorNode(mirror.name, mirror.percent) for mirror in mirrors[:MAX_SERVICES])


def _server_node(service: str, server: Server, ejected: Collection[str]) -> ServerNode:
    keys = {server.url, ejection_key(server.url, service)}
    is_ejected = server.state is ServerState.UP and not keys.isdisjoint(ejected)
    state = "ejected" if is_ejected else server.state.value
    return ServerNode(server_key(service, server.url), server.name, server.url, server.weight, state)
