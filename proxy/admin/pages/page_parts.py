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
from proxy.admin.pages.list_page import ListPage, build_list_page
from proxy.admin.pages.request_flow import FlowSources, RequestFlow, build_request_flow
from proxy.admin.pages.router_layers import find_layers
from proxy.admin.status_reports import agents_report, store_report
from proxy.admin.views.services import ServiceView
from rondpoint.diagnostics import Severity

if TYPE_CHECKING:
    from proxy.runtime import Runtime

Query = Mapping[str, str]

PROBLEMS_PER_PAGE = 10
"""Diagnostics on one page."""

KINDS = ("router", "service", "middleware")
CERTIFICATE = "certificate"

SERVERS_PER_SERVICE = 4
"""Servers shown for one service in the list."""


class ListedServer(Struct, frozen=True):
    """A server in the list of services; `key` identifies its live figures."""

    key: str
    url: str
    state: str


class Routes(Struct, frozen=True):
    """A page of the objects of one kind, with the query that selected it."""

    kind: str
    list_page: ListPage[Any]
    views: tuple[Any, ...]
    search: str
    status: str
    order: str
    descending: bool

    def keys(self) -> list[str]:
        """Return the keys of the live figures on the page."""
        if self.kind == CERTIFICATE:
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
    """Return the page of objects that the query selects; `kind` defaults to `router`."""
    kind = query.get("kind", "")
    if kind == CERTIFICATE:
        return _certificates(KnownCertificates(runtime, configuration), configuration, query)
    kind = kind if kind in KINDS else KINDS[0]
    list_page = build_list_page(list_names(configuration, kind, query), query)
    show = {
        "router": configuration.router,
        "service": configuration.service,
        "middleware": configuration.middleware,
    }[kind]
    views = tuple(show(name) for name in configuration.in_portions(list_page.items))
    return _page_of(kind, list_page, views, query)


def _certificates(known: KnownCertificates, configuration: CurrentConfiguration, query: Query) -> Routes:
    list_page = build_list_page(known.select(query), query)
    views = tuple(listed_certificate(each, known) for each in configuration.in_portions(list_page.items))
    return _page_of(CERTIFICATE, list_page, views, query)


def _page_of(kind: str, list_page: ListPage[Any], views: tuple[Any, ...], query: Query) -> Routes:
    return Routes(
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
        "counts": {kind: count_objects(configuration, kind) for kind in KINDS},
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
