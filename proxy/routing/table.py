"""The routing table: which router serves a request, in constant time.

It answers as a walk over all routers would, by priority (higher first) and name (lower first). Routers are
found by the hosts that their rules name; those that name none are in a list of their own, and joined with a
host's when that is first asked for. What was found for a host is kept until one of its routers changes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING

from proxy.routing.asked import Asked
from proxy.routing.compiling import check
from proxy.routing.group import Group
from proxy.routing.route import Route, order_of
from rondpoint.model import Router
from rondpoint.rules.conditions import host_patterns, literal_hosts
from rondpoint.rules.patterns import compile_pattern
from rondpoint.rules.requested import normalise_host

if TYPE_CHECKING:
    from proxy.http1.request import Request

HOSTS_KEPT = 100_000
"""Hosts, and spellings of hosts, that are remembered; clients can ask for any number of them."""


class RoutingTable:
    """Routers by name, and the index over them."""

    def __init__(self, default_entry_points: frozenset[str]) -> None:
        self._default_entry_points = default_entry_points
        self._entry_points: dict[tuple[str, ...], frozenset[str]] = {(): default_entry_points}
        self._routes: dict[str, Route] = {}
        self._by_host: dict[str, tuple[Route, ...]] = {}
        self._anywhere: list[Route] = []
        self._groups: dict[str, Group] = {}
        # Of the routers without a host: groups of another one are not looked at again.
        self._version = 0
        self._names: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._routes)

    def routers(self) -> Iterator[Router]:
        """Every router held, in no particular order."""
        return (route.router for route in self._routes.values())

    def put(self, router: Router) -> None:
        """Add or replace a router; costs what its hosts hold.

        Raises KeyError or PatternError for a rule that is not served, and then changes nothing.
        """
        check(router.rule.expression)
        entry_points = self._entry_points.get(router.entry_points)
        if entry_points is None:
            entry_points = self._entry_points[router.entry_points] = frozenset(router.entry_points)
        route = Route(router, entry_points)
        self.remove(router.name)
        self._routes[router.name] = route
        hosts = literal_hosts(router.rule.expression)
        if hosts is None:
            insort(self._anywhere, route, key=order_of)
            self._version += 1
            return
        for host in hosts:
            before = self._by_host.get(host)
            self._by_host[host] = (route,) if before is None else _with(before, route)
            self._groups.pop(host, None)

    def remove(self, name: str) -> None:
        """Take a router out; a name that is not there is no fault."""
        route = self._routes.pop(name, None)
        if route is None:
            return
        hosts = literal_hosts(route.router.rule.expression)
        if hosts is None:
            del self._anywhere[bisect_left(self._anywhere, route.order, key=order_of)]
            self._version += 1
            return
        for host in hosts:
            left = tuple(other for other in self._by_host[host] if other is not route)
            if left:
                self._by_host[host] = left
            else:
                del self._by_host[host]
            self._groups.pop(host, None)

    def match(self, entry_point: str, request: Request, client: str) -> Router | None:
        """The router that serves a request of this client's address."""
        host = request.host
        name = self._names.get(host)
        if name is None:
            name = self._name(host)
        group = self._groups.get(name)
        if group is None or group.version != self._version:
            group = self._group(name)
        routes: Sequence[Route] = group.routes
        asked: Asked | None = None
        if group.index is not None:
            asked = Asked(name, request, client)
            routes = group.index.candidates(asked.path)
        for route in routes:
            if entry_point in route.entry_points:
                if route.plain:
                    return route.router
                if asked is None:
                    asked = Asked(name, request, client)
                if route.holds(asked):
                    return route.router
        return None

    def _name(self, host: bytes) -> str:
        if len(self._names) >= HOSTS_KEPT:
            self._names.clear()
        name = self._names[host] = normalise_host(host)
        return name

    def _group(self, name: str) -> Group:
        if len(self._groups) >= HOSTS_KEPT:
            self._groups.clear()
        own = self._by_host.get(name, ())
        anywhere = [route for route in self._anywhere if _may_serve(route, name)]
        routes = merge(own, anywhere, key=order_of) if anywhere else own
        group = self._groups[name] = Group(routes, self._version)
        return group


def _may_serve(route: Route, host: str) -> bool:
    patterns = host_patterns(route.router.rule.expression)
    return patterns is None or any(compile_pattern(pattern).search(host) is not None for pattern in patterns)


def _with(routes: tuple[Route, ...], route: Route) -> tuple[Route, ...]:
    copy = list(routes)
    insort(copy, route, key=order_of)
    return tuple(copy)
