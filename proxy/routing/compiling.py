"""A rule's expression, made into a test of requests."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from proxy.routing.asked import Asked
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.patterns import compile_pattern

Test = Callable[[Asked], bool]


def compile_test(expression: Expression) -> Test:
    """A function for the whole rule. Raises KeyError with the name of a matcher that is not served."""
    match expression:
        case Match(kind=kind, values=values):
            return _MATCHERS[kind](values)
        case Keyed(kind=kind, key=key, values=values):
            return _KEYED[kind](key, values)
        case And(items=items):
            tests = tuple(compile_test(item) for item in items)
            return lambda asked: all(test(asked) for test in tests)
        case Or(items=items):
            tests = tuple(compile_test(item) for item in items)
            return lambda asked: any(test(asked) for test in tests)
        case Not(item=item):
            inner = compile_test(item)
            return lambda asked: not inner(asked)


def check(expression: Expression) -> None:
    """Raises KeyError as `compile_test` would, and PatternError for an expression that RE2 does not take."""
    match expression:
        case Match(kind=kind, values=values):
            _MATCHERS[kind]
            if kind.endswith("Regexp"):
                for value in values:
                    compile_pattern(value)
        case Keyed(kind=kind, values=values):
            _KEYED[kind]
            if kind.endswith("Regexp"):
                for value in values:
                    compile_pattern(value)
        case And(items=items) | Or(items=items):
            for item in items:
                check(item)
        case Not(item=item):
            check(item)


def _host(values: tuple[str, ...]) -> Test:
    hosts = frozenset(values)
    return lambda asked: asked.host in hosts


def _host_regexp(values: tuple[str, ...]) -> Test:
    patterns = [compile_pattern(value) for value in values]
    return lambda asked: any(pattern.search(asked.host) is not None for pattern in patterns)


def _path(values: tuple[str, ...]) -> Test:
    paths = frozenset(values)
    return lambda asked: asked.path in paths


def _path_prefix(values: tuple[str, ...]) -> Test:
    return lambda asked: asked.path.startswith(values)


def _path_regexp(values: tuple[str, ...]) -> Test:
    patterns = [compile_pattern(value) for value in values]
    return lambda asked: any(pattern.search(asked.path) is not None for pattern in patterns)


def _method(values: tuple[str, ...]) -> Test:
    methods = frozenset(value.encode() for value in values)
    return lambda asked: asked.method in methods


def _client_ip(values: tuple[str, ...]) -> Test:
    networks = [ip_network(value) for value in values]

    def test(asked: Asked) -> bool:
        client = asked.client
        return client is not None and any(client in network for network in networks)

    return test


def _header(key: str, values: tuple[str, ...]) -> Test:
    wanted = frozenset(values)
    return lambda asked: not wanted.isdisjoint(asked.header(key))


def _header_regexp(key: str, values: tuple[str, ...]) -> Test:
    patterns = [compile_pattern(value) for value in values]
    return lambda asked: any(
        pattern.search(given) is not None for given in asked.header(key) for pattern in patterns
    )


def _query(key: str, values: tuple[str, ...]) -> Test:
    wanted = frozenset(values)
    return lambda asked: not wanted.isdisjoint(asked.query(key))


def _query_regexp(key: str, values: tuple[str, ...]) -> Test:
    patterns = [compile_pattern(value) for value in values]
    return lambda asked: any(
        pattern.search(given) is not None for given in asked.query(key) for pattern in patterns
    )


_MATCHERS: dict[str, Callable[[tuple[str, ...]], Test]] = {
    "ClientIP": _client_ip,
    "Host": _host,
    "HostRegexp": _host_regexp,
    "Method": _method,
    "Path": _path,
    "PathPrefix": _path_prefix,
    "PathRegexp": _path_regexp,
}
_KEYED: dict[str, Callable[[str, tuple[str, ...]], Test]] = {
    "Header": _header,
    "HeaderRegexp": _header_regexp,
    "Query": _query,
    "QueryRegexp": _query_regexp,
}
