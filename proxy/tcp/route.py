"""A TCP router as the routing table holds it."""

from __future__ import annotations

from proxy.tcp.rule_test import ANY, Test, compile_rule
from rondpoint.rules.expression import And, Expression, Match, Or
from rondpoint.tcp.model import TcpRouter
from rondpoint.tls.model import DEFAULT_OPTIONS

Order = tuple[int, str]
"""Routes are tried in ascending order: by priority, the highest first, and by name."""


class Route:
    """A router with its compiled rule; `test` is None if each connection with one of its `names` matches.

    Without `names` the rule may match any connection. `is_catch_all` says whether the whole rule is
    ``HostSNI(`*`)``. Raises UnservedRuleError.
    """

    __slots__ = ("is_catch_all", "names", "order", "router", "test")

    def __init__(self, router: TcpRouter) -> None:
        expression = router.rule.expression
        self.router = router
        self.order: Order = (-router.priority, router.name)
        self.test: Test | None = compile_rule(expression)
        self.names = names_of(expression)
        self.is_catch_all = isinstance(expression, Match) and expression == Match("HostSNI", (ANY,))

    @property
    def tls_options(self) -> str:
        """The name of the TLS options, if the proxy ends TLS."""
        return self.router.tls_options or DEFAULT_OPTIONS


def names_of(expression: Expression) -> frozenset[str] | None:
    """Return the only server names and wildcards that a rule can match; None if it is not limited so.

    The result may have names that the rule does not match: its test decides.
    """
    match expression:
        case Match("HostSNI", values):
            return None if ANY in values else frozenset(values)
        case And(items):
            known = [names for names in map(names_of, items) if names is not None]
            return min(known, key=len, default=None)
        case Or(items):
            found: frozenset[str] = frozenset()
            for names in map(names_of, items):
                if names is None:
                    return None
                found |= names
            return found
    return None
