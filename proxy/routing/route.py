"""A router as the table holds it."""

from __future__ import annotations

from proxy.routing.asked import Asked
from proxy.routing.compiling import Test, compile_test
from rondpoint.model import Router
from rondpoint.rules.expression import Match


class Route:
    """`order` sorts by priority (higher first) and name (lower first); `entry_points` are those it serves.

    `plain` tells that its rule is nothing but literal hosts. Tests are compiled when they are first needed:
    most routers of a large installation are not asked for in one worker's life.
    """

    __slots__ = ("_test", "entry_points", "order", "plain", "router")

    def __init__(self, router: Router, entry_points: frozenset[str]) -> None:
        expression = router.rule.expression
        self.order = (-router.priority, router.name)
        self.router = router
        self.entry_points = entry_points
        self.plain = isinstance(expression, Match) and expression.kind == "Host"
        self._test: Test | None = None

    def holds(self, asked: Asked) -> bool:
        """Whether the rule holds, entry points aside."""
        test = self._test
        if test is None:
            test = self._test = compile_test(self.router.rule.expression)
        return test(asked)


def order_of(route: Route) -> tuple[int, str]:
    return route.order
