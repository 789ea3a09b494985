"""A rule's expression, made into what the table needs: its literal hosts, and a test of the rest."""

from __future__ import annotations

from collections.abc import Callable

from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or

# (normalised host, normalised path) -> does the rule hold
Test = Callable[[str, str], bool]


def literal_hosts(expression: Expression) -> frozenset[str] | None:
    """The hosts outside of which the rule cannot hold; None where it names no such set."""
    match expression:
        case Match(kind="Host", values=values):
            return frozenset(values)
        case And(items=items):
            known = [hosts for hosts in map(literal_hosts, items) if hosts is not None]
            return frozenset.intersection(*known) if known else None
        case Or(items=items):
            every = [literal_hosts(item) for item in items]
            sets = [hosts for hosts in every if hosts is not None]
            return frozenset.union(*sets) if len(sets) == len(every) else None
    return None


def compile_test(expression: Expression) -> Test | None:
    """A function for the whole rule; None for a plain Host, which the table's index has answered already.

    Raises KeyError with the name of a matcher that is not served.
    """
    if isinstance(expression, Match) and expression.kind == "Host":
        return None
    return _compile(expression)


def _compile(expression: Expression) -> Test:
    match expression:
        case Match(kind=kind, values=values):
            return _MATCHERS[kind](values)
        case Keyed(kind=kind):
            raise KeyError(kind)
        case And(items=items):
            tests = tuple(_compile(item) for item in items)
            return lambda host, path: all(test(host, path) for test in tests)
        case Or(items=items):
            tests = tuple(_compile(item) for item in items)
            return lambda host, path: any(test(host, path) for test in tests)
        case Not(item=item):
            inner = _compile(item)
            return lambda host, path: not inner(host, path)


def _host(values: tuple[str, ...]) -> Test:
    hosts = frozenset(values)
    return lambda host, path: host in hosts


def _path(values: tuple[str, ...]) -> Test:
    paths = frozenset(values)
    return lambda host, path: path in paths


def _path_prefix(values: tuple[str, ...]) -> Test:
    return lambda host, path: path.startswith(values)


_MATCHERS: dict[str, Callable[[tuple[str, ...]], Test]] = {
    "Host": _host,
    "Path": _path,
    "PathPrefix": _path_prefix,
}
