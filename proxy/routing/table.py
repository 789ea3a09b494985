"""The routing table: all routers by name, and an index for each group that competes for requests.

Root routers compete for the requests of entry points, the children of a router for its requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from proxy.http1.request import Request
from proxy.routing.https_hosts import HttpsHosts, HttpsHostsByEntryPoint
from proxy.routing.over_tls import over_tls
from proxy.routing.request_attributes import Client
from proxy.routing.route import Check, Route
from proxy.routing.route_index import RouteIndex
from proxy.routing.tls_options import RouterTlsOptions
from rondpoint.model import Router

_PARENT = ""
"""Stands for an entry point in the indexes of child routers, which are on none of their own."""

_BELOW_PARENT = frozenset((_PARENT,))


class RoutingTable(RouteIndex):
    """Routers by name. It is itself the index of root routers, so that finding them takes no further call."""

    def __init__(
        self,
        default_entry_points: frozenset[str],
        tls_entry_points: Mapping[str, str] | None = None,
        check: Check | None = None,
    ) -> None:
        """Routers without entry points use `default_entry_points`.

        On `tls_entry_points`, all routers use TLS, with these TLS options if they have no `tls` of their own.
        On other entry points, routers with `tls` take only the requests over TLS, and others only the plain
        ones. The name of such an entry point stands for its plain requests, `over_tls` for the others.
        `check` gets the requests of routers with other than the default TLS options.
        """
        super().__init__()
        tls_entry_points = tls_entry_points or {}
        self.tls_options = RouterTlsOptions(default_entry_points, tls_entry_points)
        self._https_hosts = HttpsHostsByEntryPoint(default_entry_points, tls_entry_points)
        self._check = check
        self._default_entry_points = default_entry_points
        self._tls_entry_points = tls_entry_points
        self._entry_points: dict[tuple[tuple[str, ...], bool], frozenset[str]] = {}
        # The number of root routers with `tls`, by their entry points.
        self._with_tls: Counter[frozenset[str]] = Counter()
        self._routers: dict[str, Router] = {}
        # By the parent's name; a child may arrive before its parent.
        self._children: dict[str, RouteIndex] = {}

    def __len__(self) -> int:
        return len(self._routers)

    @property
    def routers(self) -> Mapping[str, Router]:
        """A live view of all routers by name."""
        return MappingProxyType(self._routers)

    def put(self, router: Router) -> None:
        """Add or replace a router; the cost depends on the routers of its hosts below the same parents.

        Raises UnservedError; the table is unchanged then.
        """
        if router.parents:
            routes = {parent: Route(router, _BELOW_PARENT) for parent in router.parents}
            self.remove(router.name)
            for parent, route in routes.items():
                self._children_of(parent).add(route)
        else:
            check = self._check if self.tls_options.may_differ(router) else None
            route = Route(router, self._entry_points_of(router), check)
            self.remove(router.name)
            self.add(route)
            self.tls_options.put(router, self._routers.values())
            self._https_hosts.put(router)
            if router.tls:
                self._with_tls[route.entry_points] += 1
        self._routers[router.name] = router

    def remove(self, name: str) -> None:
        """Remove a router; ignore an unknown name."""
        router = self._routers.pop(name, None)
        if router is None:
            return
        if not router.parents:
            self.discard(router)
            self.tls_options.remove(router)
            self._https_hosts.remove(router)
            if router.tls:
                self._with_tls[self._entry_points_of(router)] -= 1
            return
        for parent in dict.fromkeys(router.parents):
            children = self._children[parent]
            children.discard(router)
            if not children.size:
                del self._children[parent]

    def has_tls_router(self, entry_point: str) -> bool:
        """Return whether a root router with `tls` takes requests of an entry point, by its name here."""
        return any(count and entry_point in points for points, count in self._with_tls.items())

    def https_hosts(self, entry_point: str) -> HttpsHosts:
        """Return the hosts of the root routers over TLS of an entry point, which follow all changes."""
        self._https_hosts.follow(self._routers.values())
        return self._https_hosts.of(entry_point)

    def match_child(
        self, parent: str, request: Request, client: Client, path: str | None = None
    ) -> Route | None:
        """Return the route of the child router of `parent` for this request, as it is now.

        `path` takes the place of the request's own path.
        """
        children = self._children.get(parent)
        return None if children is None else children.match(_PARENT, request, client, path)

    def _children_of(self, parent: str) -> RouteIndex:
        children = self._children.get(parent)
        if children is None:
            children = self._children[parent] = RouteIndex(self._normalised)
        return children

    def _entry_points_of(self, router: Router) -> frozenset[str]:
        """Return the entry points of a router; routers with the same ones share one set."""
        key = (router.entry_points, router.tls)
        points = self._entry_points.get(key)
        if points is None:
            points = frozenset(router.entry_points) or self._default_entry_points
            if router.tls:
                points = frozenset(
                    point if point in self._tls_entry_points else over_tls(point) for point in points
                )
            self._entry_points[key] = points
        return points
