"""A router in the routing table, with its compiled test and cached look-ups."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Protocol

from proxy.http1.request import Request
from proxy.routing.request_attributes import Client
from proxy.routing.rule_compiler import Test, compile_test, require_served
from proxy.routing.rule_scope import remaining_expression
from proxy.services.service_slot import EMPTY_SLOT, ServiceSlot
from proxy.telemetry.tallies import Tally
from rondpoint.model import Router

Order = tuple[float, str]
"""Sort key: by priority, higher first, then by name, lower first."""

LAST: Order = (float("inf"), "")
"""A sort key after those of all routers."""


Check = Callable[[Router, Request, Any], None]
"""Gets a router, a request that it takes, and the client. Raises RequestError if the router refuses it."""


def order_of(router: Router) -> Order:
    """Return the sort key of a router."""
    return (-router.priority, router.name)


def uncompiled(_host: str, _path: str, _request: Request, _client: Client) -> bool:
    """Placeholder for a test that is not compiled yet."""
    raise NotImplementedError


class Routes(Protocol):
    """A collection of routes that finds them by path."""

    def collect(self, path: str, found: list[list[Route]]) -> None:
        """Append to `found` ordered lists of the routes that may match `path`."""


class Route:
    """A router with everything that a request needs of it.

    `test` tests the rule for a request on one of its hosts; None if the rule always matches there. It is
    `uncompiled` until first needed: most routers of a large installation get no request in one worker's life.
    With a `check`, it checks a request that the rule matches, so that routers without one do nothing for it.
    `on_entry_points` caches the same router with more middlewares, by entry point, for those that add some.
    After the first request, `place` caches the service and `tally` the counts; `pattern_cache` caches the
    other path indexes that match the host. They are attributes here because, with many routers, each further
    object is a cache miss.
    """

    __slots__ = (
        "check",
        "entry_points",
        "middlewares",
        "on_entry_points",
        "order",
        "pass_host_header",
        "pattern_cache",
        "place",
        "router",
        "tally",
        "test",
    )

    def __init__(self, router: Router, entry_points: frozenset[str], check: Check | None = None) -> None:
        """Raise UnservedError for a rule with a matcher that is not served."""
        require_served(router.rule.expression)
        self.router = router
        self.check = check
        self.middlewares = router.middlewares
        self.pass_host_header = router.pass_host_header
        self.place: ServiceSlot = EMPTY_SLOT
        self.tally: Tally | None = None
        self.pattern_cache: tuple[object, bytes, tuple[Routes, ...]] | None = None
        self.on_entry_points: dict[str, Route] | None = None
        self.order = order_of(router)
        self.entry_points = entry_points
        is_tested = check is not None or remaining_expression(router.rule.expression) is not None
        self.test: Test | None = uncompiled if is_tested else None

    def with_middlewares(self, entry_point: str, middlewares: tuple[str, ...]) -> Route:
        """Return this route on an entry point that has middlewares before the router's own."""
        if self.on_entry_points is None:
            self.on_entry_points = {}
        route = self.on_entry_points[entry_point] = Route(self.router, self.entry_points)
        route.middlewares = (*middlewares, *self.middlewares)
        return route

    def compile(self) -> Test:
        """Compile `test`, keep it and return it."""
        whole = self.router.rule.expression
        test = compile_test(remaining_expression(whole) or whole)
        if self.check is not None:
            test = _with_check(test, self.router, self.check)
        self.test = test
        return test


def _with_check(test: Test, router: Router, check: Check) -> Test:
    def test_and_check(host: str, path: str, request: Request, client: Client) -> bool:
        if not test(host, path, request, client):
            return False
        check(router, request, client)
        return True

    return test_and_check


by_order = attrgetter("order")


def insert_route(routes: list[Route], route: Route) -> None:
    """Insert a route at its sorted position."""
    insort(routes, route, key=by_order)


def remove_route(routes: list[Route], router: Router) -> None:
    """Remove the route of this router, which must be present."""
    del routes[bisect_left(routes, order_of(router), key=by_order)]
