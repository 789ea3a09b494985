"""Compiles the rule of a TCP router to a test function."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from proxy.middlewares.sources.address_ranges import AddressRanges
from proxy.routing.pattern_sets import compile_any
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or

ANY = "*"
"""The server name that matches every connection, also one without TLS."""

WILDCARD = "*."
"""The start of a server name in which the first label may be any."""


class ConnectionFacts(Struct, frozen=True, gc=False):
    """What rules can test of a connection.

    `server_name` is the SNI in lower case, empty without one; `protocols` are those that the client offers by
    ALPN; `address` is the client's IP address.
    """

    address: str
    server_name: str = ""
    protocols: tuple[bytes, ...] = ()


Test = Callable[[ConnectionFacts], bool]


class UnservedRuleError(ValueError):
    """A rule that cannot be tested here; the message is the reason."""


def wildcard_of(server_name: str) -> str:
    """Return the wildcard that matches this server name: `*.example.com` for `a.example.com`."""
    return WILDCARD + server_name.partition(".")[2]


def compile_rule(expression: Expression) -> Test | None:
    """Return the test of a rule; None if every connection that has one of its names matches.

    Raises UnservedRuleError.
    """
    test = _compile(expression)
    is_name_alone = isinstance(expression, Match) and expression.kind == "HostSNI"
    return None if is_name_alone else test


def _compile(expression: Expression) -> Test:
    match expression:
        case Match(kind, values) if kind in _MATCHERS:
            try:
                return _MATCHERS[kind](values)
            except ValueError as error:
                raise UnservedRuleError(f"its rule has an invalid value for {kind}: {error}") from None
        case Match(kind) | Keyed(kind):
            raise UnservedRuleError(f"its rule has a matcher that TCP routers do not have: {kind}")
        case And(items):
            tests = [_compile(item) for item in items]
            return lambda facts: all(test(facts) for test in tests)
        case Or(items):
            tests = [_compile(item) for item in items]
            return lambda facts: any(test(facts) for test in tests)
        case Not(item):
            inner = _compile(item)
            return lambda facts: not inner(facts)


def _server_name(values: tuple[str, ...]) -> Test:
    names = frozenset(values)
    if ANY in names:
        return lambda _facts: True
    return lambda facts: facts.server_name in names or wildcard_of(facts.server_name) in names


def _server_name_pattern(values: tuple[str, ...]) -> Test:
    found = compile_any(values)
    return lambda facts: found(facts.server_name)


def _protocol(values: tuple[str, ...]) -> Test:
    wanted = frozenset(value.encode() for value in values)
    return lambda facts: not wanted.isdisjoint(facts.protocols)


def _client_address(values: tuple[str, ...]) -> Test:
    holds = AddressRanges(values).holds
    return lambda facts: holds(facts.address)


_MATCHERS: dict[str, Callable[[tuple[str, ...]], Test]] = {
    "HostSNI": _server_name,
    "HostSNIRegexp": _server_name_pattern,
    "ALPN": _protocol,
    "ClientIP": _client_address,
}
