"""What is shown in each part of the dashboard, of what this worker serves."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from proxy.admin.current_configuration import Present
from proxy.admin.diagnostic_filters import chosen, is_unrouted, unrouted
from proxy.admin.endpoints.instances import by_instance, in_store
from proxy.admin.endpoints.overview import counted
from proxy.admin.live.counter_deltas import ENTRY_POINT, ROUTER, SERVICE, server_key
from proxy.admin.object_lists import listed
from proxy.admin.pages.list_page import Leaf, leaf_of
from proxy.admin.pages.request_flow import Ground, Way, way_of
from proxy.admin.status_reports import agents_report, store_report
from proxy.admin.views.services import ServiceView
from rondpoint.diagnostics import Severity
from rondpoint.settings import ADMIN

if TYPE_CHECKING:
    from proxy.runtime import Runtime

Query = Mapping[str, str]

FINDINGS = 10
"""Diagnostics that are shown at once."""

KINDS = ("router", "service", "middleware")

LISTED = 4
"""Servers of one service that are shown in the list."""


class Listed(Struct, frozen=True):
    """A server in the list of services; `key` is that of its figures."""

    key: str
    url: str
    state: str


class Routes(Struct, frozen=True):
    """A page of the objects of one kind, with the query that asked for it."""

    kind: str
    leaf: Leaf[str]
    views: tuple[Any, ...]
    search: str
    status: str
    order: str
    descending: bool

    def keys(self) -> list[str]:
        """Of the figures that are shown."""
        if self.kind == "middleware":
            return []
        own = [(ROUTER if self.kind == "router" else SERVICE) + name for name in self.leaf.items]
        if self.kind == "service":
            return [*own, *(server.key for view in self.views for server in self.servers(view))]
        return [*own, *(SERVICE + view.service for view in self.views if view.service)]

    def servers(self, view: ServiceView) -> list[Listed]:
        """The first servers of a service."""
        return [
            Listed(server_key(view.name, server.url), server.url, server.state)
            for server in (view.servers or ())[:LISTED]
        ]


def routes(present: Present, query: Query) -> Routes:
    """Of the kind that the query names, routers without."""
    kind = query.get("kind", "")
    kind = kind if kind in KINDS else KINDS[0]
    leaf = leaf_of(listed(present, kind, query), query)
    show = {"router": present.router, "service": present.service, "middleware": present.middleware}[kind]
    return Routes(
        kind,
        leaf,
        tuple(show(name) for name in present.in_portions(leaf.items)),
        query.get("search", ""),
        query.get("status", ""),
        query.get("sortBy", "name"),
        query.get("direction", "") == "desc",
    )


def way(parts: Runtime, present: Present, name: str) -> Way | None:
    """Of the router of this name; None where there is none."""
    router = present.router(name)
    if router is None:
        return None
    state = present.state
    settings = parts.settings
    ground = Ground(
        settings.entry_points,
        state.services,
        state.middlewares,
        frozenset(parts.ejections.aside),
        {name: settings.why_closed(name) for name in settings.entry_points},
    )
    return way_of(router, ground)


def way_keys(found: Way | None) -> list[str]:
    """Of the figures beside the picture."""
    if found is None:
        return []
    keys = [ROUTER + found.router.name, *(ENTRY_POINT + gate.name for gate in found.gates)]
    if found.junction is None:
        return keys
    return [*keys, SERVICE + found.junction.name, *(stop.key for stop in found.junction.all_stops())]


def entry_point_keys(parts: Runtime) -> list[str]:
    """Of the figures of all entry points but this one."""
    return [ENTRY_POINT + name for name in parts.settings.entry_points if name != ADMIN]


def problems(present: Present, query: Query) -> dict[str, Any]:
    """A page of diagnostics, and how many there are of each sort."""
    every = present.diagnostics
    return {
        "leaf": leaf_of(chosen(present, query), {"per_page": str(FINDINGS), **query}),
        "severity": query.get("severity", ""),
        "unrouted": query.get("unrouted", "") == "true",
        "search": query.get("search", ""),
        "total": len(every),
        "severities": {
            severity.value: sum(item.severity is severity for item in every) for severity in Severity
        },
        "not_routed": sum(is_unrouted(item, present.state.routers) for item in every),
    }


def overview(parts: Runtime, present: Present) -> dict[str, Any]:
    """Numbers of everything."""
    web = {name: point for name, point in parts.settings.entry_points.items() if name != ADMIN}
    return {
        "counts": {kind: counted(present, kind) for kind in KINDS},
        "not_routed": unrouted(present.diagnostics, present.state.routers),
        "entry_points": web,
    }


def system(parts: Runtime) -> dict[str, Any]:
    """Instances with their workers, agents, and the store."""
    now = time()
    stored, workers = in_store()
    alive = {name: worker for name, worker in workers.items() if worker.alive(now)}
    return {
        "now": now,
        "revision": parts.applier.revision,
        "instances": by_instance(alive, stored, now),
        "agents": agents_report(),
        "store": store_report(),
    }
