"""A router as the table holds it."""

from __future__ import annotations

from bisect import bisect_left, insort
from operator import attrgetter
from typing import Protocol

from proxy.http1.request import Request
from proxy.routing.request_attributes import Client
from proxy.routing.rule_compiler import Test, compile_test, require_served
from proxy.routing.rule_scope import beyond_hosts
from proxy.services.service_slot import EMPTY_SLOT, ServiceSlot
from proxy.telemetry.tallies import Tally
from rondpoint.model import Router

Order = tuple[float, str]
"""Sorts by priority, higher first, then by name, lower first."""

LAST: Order = (float("inf"), "")
"""Behind every router."""


def order_of(router: Router) -> Order:
    return (-router.priority, router.name)


def uncompiled(_host: str, _path: str, _request: Request, _client: Client) -> bool:
    """Stands for a test that is still to be made."""
    raise NotImplementedError


class Routes(Protocol):
    """Routes that are found by path."""

    def collect(self, path: str, found: list[list[Route]]) -> None:
        """Add to `found`, each list in order, the routes that can hold on `path`."""


class Route:
    """`test` tells whether the rule holds for a request on one of its hosts; None when it always does.

    It is `uncompiled` until it is first needed: most routers of a large installation are not asked for in
    one worker's life. `place` and `tally` are where its requests found their service and are counted, once
    one has come, and `told` which other groups its host belongs to. With what else a request needs of the
    router they lie here, since of many routers each further object that is looked at has to come from memory.
    """

    __slots__ = (
        "entry_points",
        "middlewares",
        "order",
        "pass_host_header",
        "place",
        "router",
        "tally",
        "test",
        "told",
    )

    def __init__(self, router: Router, entry_points: frozenset[str]) -> None:
        """Raises UnservedError for a rule with a matcher that is not served."""
        require_served(router.rule.expression)
        self.router = router
        self.middlewares = router.middlewares
        self.pass_host_header = router.pass_host_header
        self.place: ServiceSlot = EMPTY_SLOT
        self.tally: Tally | None = None
        self.told: tuple[object, bytes, tuple[Routes, ...]] | None = None
        self.order = order_of(router)
        self.entry_points = entry_points
        self.test: Test | None = uncompiled if beyond_hosts(router.rule.expression) is not None else None

    def compiled(self) -> Test:
        """Make `test` ready."""
        whole = self.router.rule.expression
        self.test = test = compile_test(beyond_hosts(whole) or whole)
        return test


by_order = attrgetter("order")


def put_in_order(routes: list[Route], route: Route) -> None:
    """Add it at its place."""
    insort(routes, route, key=by_order)


def take_out(routes: list[Route], router: Router) -> None:
    """Remove the route of this router; it must be there."""
    del routes[bisect_left(routes, order_of(router), key=by_order)]
