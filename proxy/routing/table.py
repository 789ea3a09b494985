"""The routing table: routers indexed by literal host, the others in a residual list, merged by priority.

It answers as a walk over all routers would, by priority (higher first) and name (lower first). It is
changed router by router, and every answer is found in lists that are replaced, never edited, so a
change between two requests is all that a request can see.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from proxy.routing.compiling import Test, compile_test, literal_hosts
from rondpoint.model import Router
from rondpoint.rules.requested import normalise_host, normalise_path


@dataclass(frozen=True, slots=True)
class Route:
    """A router as the table holds it; `order` sorts by priority and name."""

    order: tuple[int, str]
    router: Router
    test: Test | None
    hosts: frozenset[str] | None
    entry_points: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, router: Router, default_entry_points: frozenset[str]) -> Route:
        """Raises KeyError for a rule with a matcher that is not served."""
        expression = router.rule.expression
        return cls(
            order=(-router.priority, router.name),
            router=router,
            test=compile_test(expression),
            hosts=literal_hosts(expression),
            entry_points=frozenset(router.entry_points) or default_entry_points,
        )


class RoutingTable:
    """Routers by name, and the index over them."""

    def __init__(self, default_entry_points: frozenset[str]) -> None:
        self._default_entry_points = default_entry_points
        self._routes: dict[str, Route] = {}
        self._by_host: dict[str, tuple[Route, ...]] = {}
        self._residual: tuple[Route, ...] = ()

    def __len__(self) -> int:
        return len(self._routes)

    def routers(self) -> Iterator[Router]:
        """Every router held, in no particular order."""
        return (route.router for route in self._routes.values())

    def put(self, router: Router) -> None:
        """Add or replace a router; costs what its hosts hold. Raises KeyError, and then changes nothing."""
        route = Route.of(router, self._default_entry_points)
        self.remove(router.name)
        self._routes[router.name] = route
        if route.hosts is None:
            self._residual = _with(self._residual, route)
        else:
            for host in route.hosts:
                self._by_host[host] = _with(self._by_host.get(host, ()), route)

    def remove(self, name: str) -> None:
        """Take a router out; a name that is not there is no fault."""
        route = self._routes.pop(name, None)
        if route is None:
            return
        if route.hosts is None:
            self._residual = _less(self._residual, route)
            return
        for host in route.hosts:
            left = _less(self._by_host[host], route)
            if left:
                self._by_host[host] = left
            else:
                del self._by_host[host]

    def match(self, entry_point: str, host: bytes, target: bytes) -> Router | None:
        """The router that serves this request target for this Host header, both as received."""
        name = normalise_host(host)
        own = self._by_host.get(name, ())
        residual = self._residual
        candidates: Iterable[Route] = _merged(own, residual) if own and residual else own or residual
        path = ""
        for route in candidates:
            if entry_point not in route.entry_points:
                continue
            test = route.test
            if test is None:
                return route.router
            path = path or normalise_path(target)
            if test(name, path):
                return route.router
        return None


def _order(route: Route) -> tuple[int, str]:
    return route.order


def _with(routes: tuple[Route, ...], route: Route) -> tuple[Route, ...]:
    copy = list(routes)
    insort(copy, route, key=_order)
    return tuple(copy)


def _less(routes: tuple[Route, ...], route: Route) -> tuple[Route, ...]:
    return tuple(other for other in routes if other is not route)


def _merged(first: tuple[Route, ...], second: tuple[Route, ...]) -> Iterator[Route]:
    position, end = 0, len(second)
    for route in first:
        while position < end and second[position].order < route.order:
            yield second[position]
            position += 1
        yield route
    yield from second[position:]
