"""Collects the content of each part of the dashboard from this worker's configuration and status."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from proxy.admin.certificates.known_certificates import KnownCertificates
from proxy.admin.certificates.listed_certificate import listed_certificate
from proxy.admin.certificates.router_tls import router_tls
from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.diagnostic_filters import count_unrouted, filter_diagnostics, is_unrouted
from proxy.admin.endpoints.instances import group_by_instance, read_status
from proxy.admin.endpoints.overview import count_certificates, count_objects
from proxy.admin.live.counter_deltas import ENTRY_POINT, MIDDLEWARE, ROUTER, SERVICE, server_key
from proxy.admin.object_lists import list_names
from proxy.admin.pages.layer4_flow import Layer4Flow, Layer4Sources, tcp_flow, udp_flow
from proxy.admin.pages.list_page import ListPage, build_list_page
from proxy.admin.pages.request_flow import FlowSources, RequestFlow, build_request_flow
from proxy.admin.pages.router_layers import find_layers
from proxy.admin.status_reports import agents_report, store_report
from proxy.admin.views.object_status import KINDS as OBJECT_KINDS
from proxy.admin.views.services import ServiceView
from proxy.admin.views.udp import UdpRouterView
from rondpoint.diagnostics import Severity

if TYPE_CHECKING:
    from proxy.runtime import Runtime

Query = Mapping[str, str]

HTTP = "http"
PROTOCOLS = (HTTP, "tcp", "udp")

PROBLEMS_PER_PAGE = 10
"""Diagnostics on one page."""

NOUNS = ("router", "service", "middleware")
CERTIFICATE = "certificate"

SERVERS_PER_SERVICE = 4
"""Servers shown for one service in the list."""


class ListedServer(Struct, frozen=True):
    """A server in the list of services; `key` identifies its live figures."""

    key: str
    url: str
    state: str


class Routes(Struct, frozen=True):
    """A page of the objects of one protocol and kind, with the query that selected it.

    `kind` is `router`, `service`, `middleware` or `certificate`.
    """

    protocol: str
    kind: str
    list_page: ListPage[Any]
    views: tuple[Any, ...]
    search: str
    status: str
    order: str
    descending: bool

    def keys(self) -> list[str]:
        """Return the keys of the live figures on the page; TCP and UDP have none."""
        if self.kind == CERTIFICATE or self.protocol != HTTP:
            return []
        if self.kind == "middleware":
            return [MIDDLEWARE + name for name in self.list_page.items]
        own = [(ROUTER if self.kind == "router" else SERVICE) + name for name in self.list_page.items]
        if self.kind == "service":
            return [*own, *(server.key for view in self.views for server in self.servers(view))]
        return [*own, *(SERVICE + view.service for view in self.views if view.service)]

    def servers(self, view: ServiceView) -> list[ListedServer]:
        """Return the first servers of a service."""
        return [
            ListedServer(server_key(view.name, server.url), server.url, server.state)
            for server in (view.servers or ())[:SERVERS_PER_SERVICE]
        ]


def routes(runtime: Runtime, configuration: CurrentConfiguration, query: Query) -> Routes:
    """Return the page of objects that the query selects: by default, routers of HTTP."""
    noun = query.get("kind", "")
    if noun == CERTIFICATE:
        return _certificates(KnownCertificates(runtime, configuration), configuration, query)
    noun = noun if noun in NOUNS else NOUNS[0]
    protocol = protocol_of(query)
    kind = noun if protocol == HTTP else f"{protocol} {noun}"
    # UDP has no middlewares.
    names = list_names(configuration, kind, query) if kind in OBJECT_KINDS else []
    list_page = build_list_page(names, query)
    views = tuple(configuration.view(kind, name) for name in configuration.in_portions(list_page.items))
    return _page_of(noun, list_page, views, query)


def protocol_of(query: Query) -> str:
    """Return the protocol that the query selects."""
    protocol = query.get("protocol", "")
    return protocol if protocol in PROTOCOLS else HTTP


def _certificates(known: KnownCertificates, configuration: CurrentConfiguration, query: Query) -> Routes:
    list_page = build_list_page(known.select(query), query)
    views = tuple(listed_certificate(each, known) for each in configuration.in_portions(list_page.items))
    return _page_of(CERTIFICATE, list_page, views, query)


def _page_of(kind: str, list_page: ListPage[Any], views: tuple[Any, ...], query: Query) -> Routes:
    return Routes(
        protocol_of(query),
        kind,
        list_page,
        views,
        query.get("search", ""),
        query.get("status", ""),
        query.get("sortBy", "name"),
        query.get("direction", "") == "desc",
    )


def request_flow(runtime: Runtime, configuration: CurrentConfiguration, name: str) -> RequestFlow | None:
    """Return the request flow of a router, or None if there is no such router."""
    router = configuration.router(name)
    if router is None:
        return None
    state = configuration.state
    settings = runtime.settings
    sources = FlowSources(
        settings.entry_points,
        state.services,
        state.middlewares,
        frozenset(runtime.ejections.ejected),
        {name: settings.closed_reason(name) for name in settings.entry_points},
        runtime.entry_point_options,
    )
    layers = find_layers(name, state.routers, configuration.in_portions(state.routers.values()))
    default = settings.default_entry_points
    points = {point for root in layers.roots for point in root.entry_points or default}
    flow = build_request_flow(router, sources, layers, sorted(points))
    found = state.routers.get(name)
    if found is None:
        return flow
    options_of = runtime.context.table.tls_options.for_router
    tls = router_tls(found, options_of, KnownCertificates(runtime, configuration))
    return replace(flow, tls=tls)


def layer4_flow(
    runtime: Runtime, configuration: CurrentConfiguration, protocol: str, name: str
) -> Layer4Flow | None:
    """Return the flow of a router of `tcp` or `udp`, or None if there is no such router."""
    router = configuration.view(f"{protocol} router", name)
    if router is None:
        return None
    settings = runtime.settings
    sources = Layer4Sources(
        settings.entry_points,
        configuration.layer4.by_kind[f"{protocol} service"],
        configuration.state.tcp_middlewares,
        {name: settings.closed_reason(name) for name in settings.entry_points},
        frozenset(runtime.ejections.ejected),
    )
    if isinstance(router, UdpRouterView):
        return udp_flow(router, sources, configuration.layer4.udp_entry_points)
    return tcp_flow(router, sources)


def request_flow_keys(flow: RequestFlow | None) -> list[str]:
    """Return the keys of the live figures in the request flow."""
    if flow is None:
        return []
    keys = [ROUTER + flow.router.name, *(ENTRY_POINT + entry_point.name for entry_point in flow.entry_points)]
    keys += (MIDDLEWARE + name for name in flow.middleware_names())
    if flow.service is None:
        return keys
    return [*keys, SERVICE + flow.service.name, *(server.key for server in flow.service.all_servers())]


def entry_point_keys(runtime: Runtime) -> list[str]:
    """Return the keys of the live figures of all entry points except the admin one."""
    return [ENTRY_POINT + name for name in runtime.settings.web_entry_points]


def problems(configuration: CurrentConfiguration, query: Query) -> dict[str, Any]:
    """Return a page of diagnostics, with the number of diagnostics of each sort."""
    every = configuration.diagnostics
    return {
        "list_page": build_list_page(
            filter_diagnostics(configuration, query), {"per_page": str(PROBLEMS_PER_PAGE), **query}
        ),
        "severity": query.get("severity", ""),
        "unrouted": query.get("unrouted", "") == "true",
        "search": query.get("search", ""),
        "total": len(every),
        "severities": {
            severity.value: sum(item.severity is severity for item in every) for severity in Severity
        },
        "not_routed": sum(is_unrouted(item, configuration.is_in_force) for item in every),
    }


def overview(runtime: Runtime, configuration: CurrentConfiguration) -> dict[str, Any]:
    """Return the numbers of objects, certificates and problems, and the web entry points."""
    return {
        "counts": {kind: count_objects(configuration, kind) for kind in OBJECT_KINDS},
        "certificates": count_certificates(KnownCertificates(runtime, configuration)),
        "not_routed": count_unrouted(configuration.diagnostics, configuration.is_in_force),
        "entry_points": runtime.settings.web_entry_points,
    }


def system(runtime: Runtime) -> dict[str, Any]:
    """Return the status of instances, workers, agents and the store."""
    now = time()
    stored, workers = read_status()
    alive = {name: worker for name, worker in workers.items() if worker.alive(now)}
    return {
        "now": now,
        "revision": runtime.applier.revision,
        "instances": group_by_instance(alive, stored, now),
        "agents": agents_report(),
        "store": store_report(),
    }
