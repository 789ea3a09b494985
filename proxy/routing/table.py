"""The routing table: which router serves a request, in constant time.

It answers as a walk over all routers would, by priority (higher first) and name (lower first). Routers are
found by the hosts that their rules name; those that name none are in a list of their own, and joined with a
host's when that is first asked for. What was found for a host is kept until one of its routers changes.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from proxy.routing.asked import Asked
from proxy.routing.compiling import check
from proxy.routing.group import FEW, Group
from proxy.routing.host_patterns import HostPatterns
from proxy.routing.route import Route, order_of
from rondpoint.model import Router
from rondpoint.rules.conditions import host_patterns, literal_hosts
from rondpoint.rules.requested import normalise_host

if TYPE_CHECKING:
    from proxy.http1.request import Request

HOSTS_KEPT = 20_000
"""Hosts for which other routers than their own were looked for; clients can ask for any number of them."""


class RoutingTable:
    """Routers by name, and the index over them."""

    def __init__(self, default_entry_points: frozenset[str]) -> None:
        self._entry_points: dict[tuple[str, ...], frozenset[str]] = {(): default_entry_points}
        self._routes: dict[str, Route] = {}
        # By hosts as most clients write them, so that these need not be looked at more closely.
        self._by_host: dict[bytes, tuple[Route, ...]] = {}
        self._by_pattern: dict[str, tuple[Route, ...]] = {}
        self._patterns = HostPatterns()
        self._anywhere: tuple[Route, ...] = ()
        self._groups: dict[bytes, Group] = {}
        # Of the routers without a host: groups of another one are not looked at again.
        self._version = 0

    def __len__(self) -> int:
        return len(self._routes)

    def routers(self) -> Iterator[Router]:
        """Every router held, in no particular order."""
        return (route.router for route in self._routes.values())

    def put(self, router: Router) -> None:
        """Add or replace a router; costs what its hosts hold.

        Raises KeyError or PatternError for a rule that is not served, and then changes nothing.
        """
        expression = router.rule.expression
        check(expression)
        entry_points = self._entry_points.get(router.entry_points)
        if entry_points is None:
            entry_points = self._entry_points[router.entry_points] = frozenset(router.entry_points)
        self.remove(router.name)
        route = self._routes[router.name] = Route(router, entry_points)
        hosts = literal_hosts(expression)
        if hosts is not None:
            for host in hosts:
                key = host.encode()
                self._by_host[key] = _with(self._by_host.get(key, ()), route)
                self._groups.pop(key, None)
            return
        self._version += 1
        patterns = host_patterns(expression)
        if patterns is None:
            self._anywhere = _with(self._anywhere, route)
            return
        for pattern in dict.fromkeys(patterns):
            known = self._by_pattern.get(pattern)
            if known is None:
                self._patterns.add(pattern)
            self._by_pattern[pattern] = _with(known or (), route)

    def remove(self, name: str) -> None:
        """Take a router out; a name that is not there is no fault."""
        route = self._routes.pop(name, None)
        if route is None:
            return
        expression = route.router.rule.expression
        hosts = literal_hosts(expression)
        if hosts is not None:
            for host in hosts:
                key = host.encode()
                _take_out(self._by_host, key, route)
                self._groups.pop(key, None)
            return
        self._version += 1
        patterns = host_patterns(expression)
        if patterns is None:
            self._anywhere = _less(self._anywhere, route)
            return
        for pattern in dict.fromkeys(patterns):
            if not _take_out(self._by_pattern, pattern, route):
                self._patterns.discard(pattern)

    def match(self, entry_point: str, request: Request, client: str) -> Router | None:
        """The router that serves a request of this client's address."""
        key = request.host
        routes: Sequence[Route] | None = self._by_host.get(key)
        if routes is None:
            key = normalise_host(key).encode()
            routes = self._by_host.get(key, ())
        asked: Asked | None = None
        if self._anywhere or self._by_pattern or len(routes) > FEW:
            group = self._groups.get(key)
            if group is None or group.version != self._version:
                group = self._group(key)
            routes = group.routes
            if group.index is not None:
                asked = Asked(key.decode(), request, client)
                routes = group.index.candidates(asked.path)
        for route in routes:
            if entry_point in route.entry_points:
                if route.plain:
                    return route.router
                if asked is None:
                    asked = Asked(key.decode(), request, client)
                if route.holds(asked):
                    return route.router
        return None

    def _group(self, key: bytes) -> Group:
        """The routes that may serve a host, found anew."""
        if len(self._groups) >= HOSTS_KEPT:
            self._groups.clear()
        lists = [self._by_host.get(key, ()), self._anywhere]
        if self._by_pattern:
            lists += [self._by_pattern[pattern] for pattern in self._patterns.met_by(key.decode())]
        lists = [routes for routes in lists if routes]
        routes = lists[0] if len(lists) == 1 else sorted(set().union(*lists), key=order_of)
        group = self._groups[key] = Group(routes, self._version)
        return group


Key = TypeVar("Key", bytes, str)


def _take_out(lists: dict[Key, tuple[Route, ...]], key: Key, route: Route) -> bool:
    """Take a route out of one of `lists`; whether any is left there."""
    left = _less(lists[key], route)
    if left:
        lists[key] = left
    else:
        del lists[key]
    return bool(left)


def _less(routes: tuple[Route, ...], route: Route) -> tuple[Route, ...]:
    return tuple(other for other in routes if other is not route)


def _with(routes: tuple[Route, ...], route: Route) -> tuple[Route, ...]:
    if not routes:
        return (route,)
    copy = list(routes)
    insort(copy, route, key=order_of)
    return tuple(copy)
