"""An index of TCP routes by server name, which finds the route of a connection.

The result is that of testing all routes in their order. Literal names and wildcards are keys of a dictionary,
so any number of them takes the same time. The other routes are tested one after the other.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from operator import attrgetter

from proxy.tcp.route import Route
from proxy.tcp.rule_test import ConnectionFacts, wildcard_of

_by_order = attrgetter("order")


class RouteIndex:
    """Routes that compete for the same connections; it is false without any."""

    def __init__(self) -> None:
        self._size = 0
        self._by_name: dict[str, list[Route]] = {}
        self._anywhere: list[Route] = []

    def __len__(self) -> int:
        return self._size

    def add(self, route: Route) -> None:
        """Add a route, which must be new; the cost depends on the routes with its names."""
        self._size += 1
        if route.names is None:
            insort(self._anywhere, route, key=_by_order)
            return
        for name in route.names:
            insort(self._by_name.setdefault(name, []), route, key=_by_order)

    def discard(self, route: Route) -> None:
        """Remove a route, which must be present."""
        self._size -= 1
        if route.names is None:
            _take_from(self._anywhere, route)
            return
        for name in route.names:
            routes = self._by_name[name]
            _take_from(routes, route)
            if not routes:
                del self._by_name[name]

    def match(self, facts: ConnectionFacts) -> Route | None:
        """Return the first route, by order, whose rule matches the connection."""
        best: Route | None = None
        candidates = [self._anywhere]
        if facts.server_name and self._by_name:
            for key in (facts.server_name, wildcard_of(facts.server_name)):
                if (named := self._by_name.get(key)) is not None:
                    candidates.append(named)
        for routes in candidates:
            for route in routes:
                if best is not None and best.order < route.order:
                    break
                if route.test is None or route.test(facts):
                    best = route
                    break
        return best


def _take_from(routes: list[Route], route: Route) -> None:
    del routes[bisect_left(routes, route.order, key=_by_order)]
