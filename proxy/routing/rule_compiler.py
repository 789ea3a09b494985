"""Compiles the expression of a rule to a test function."""

from __future__ import annotations

from collections.abc import Callable, Container
from ipaddress import ip_network

from proxy.http1.request import Request
from proxy.routing.pattern_sets import compile_any
from proxy.routing.request_attributes import Client, address, headers, query
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.patterns import compile_pattern

MAX_COMPARED = 5
"""Below so many values, comparing one by one is faster than a set, which also uses more memory."""

# (normalised host, normalised path, the request, its client) -> whether the rule matches
Test = Callable[[str, str, Request, Client], bool]
Values = tuple[str, ...]


class UnservedError(ValueError):
    """A rule that this version cannot serve; the message is the reason."""


def require_served(expression: Expression) -> None:
    """Raise UnservedError for an expression that `compile_test` cannot compile."""
    try:
        _check(expression)
    except KeyError as error:
        raise UnservedError(f"its rule has a matcher that is not served here: {error}") from None
    except ValueError as value_error:
        raise UnservedError(f"its rule has an invalid value: {value_error}") from None


def _check(expression: Expression) -> None:
    match expression:
        case Match(kind, values):
            _MATCHERS[kind]
        case Keyed(kind, _, values):
            _KEYED[kind]
        case And(items) | Or(items):
            for item in items:
                _check(item)
            return
        case Not(item):
            _check(item)
            return
    if kind.endswith("Regexp"):
        for value in values:
            compile_pattern(value)
    elif kind == "ClientIP":
        for value in values:
            ip_network(value)


def compile_test(expression: Expression) -> Test:
    """Compile an expression that `require_served` has accepted."""
    match expression:
        case Match(kind, values):
            return _MATCHERS[kind](values)
        case Keyed(kind, key, values):
            return _KEYED[kind](key, values)
        case And(items):
            return _all([compile_test(item) for item in items])
        case Or(items):
            return _any([compile_test(item) for item in items])
        case Not(item):
            inner = compile_test(item)
            return lambda host, path, request, client: not inner(host, path, request, client)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        one, two = tests
        return lambda host, path, request, client: (
            one(host, path, request, client) and two(host, path, request, client)
        )

    def every(host: str, path: str, request: Request, client: Client) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(host, path, request, client):
                return False
        return True

    return every


def _any(tests: list[Test]) -> Test:
    def some(host: str, path: str, request: Request, client: Client) -> bool:
        for test in tests:  # noqa: SIM110
            if test(host, path, request, client):
                return True
        return False

    return some


def _container(values: Values) -> Container[str]:
    return values if len(values) < MAX_COMPARED else frozenset(values)


def _host(values: Values) -> Test:
    hosts = _container(values)
    return lambda host, path, request, client: host in hosts


def _host_regexp(values: Values) -> Test:
    found = compile_any(values)
    return lambda host, path, request, client: found(host)


def _path(values: Values) -> Test:
    paths = _container(values)
    return lambda host, path, request, client: path in paths


def _path_prefix(values: Values) -> Test:
    return lambda host, path, request, client: path.startswith(values)


def _path_regexp(values: Values) -> Test:
    found = compile_any(values)
    return lambda host, path, request, client: found(path)


def _method(values: Values) -> Test:
    return lambda host, path, request, client: request.method.decode("latin-1") in values


def _client_ip(values: Values) -> Test:
    networks = [ip_network(value) for value in values]

    def within(host: str, path: str, request: Request, client: Client) -> bool:
        peer = address(client.peer)
        return peer is not None and any(peer in network for network in networks)

    return within


def _header(key: str, values: Values) -> Test:
    return lambda host, path, request, client: not _disjoint(headers(request, client).get(key, ()), values)


def _header_regexp(key: str, values: Values) -> Test:
    found = compile_any(values)
    return lambda host, path, request, client: any(map(found, headers(request, client).get(key, ())))


def _query(key: str, values: Values) -> Test:
    return lambda host, path, request, client: not _disjoint(query(request.target).get(key, ()), values)


def _query_regexp(key: str, values: Values) -> Test:
    found = compile_any(values)
    return lambda host, path, request, client: any(map(found, query(request.target).get(key, ())))


def _disjoint(given: Values, values: Values) -> bool:
    for value in given:  # noqa: SIM110
        if value in values:
            return False
    return True


_MATCHERS: dict[str, Callable[[Values], Test]] = {
    "Host": _host,
    "HostRegexp": _host_regexp,
    "Path": _path,
    "PathPrefix": _path_prefix,
    "PathRegexp": _path_regexp,
    "Method": _method,
    "ClientIP": _client_ip,
}
_KEYED: dict[str, Callable[[str, Values], Test]] = {
    "Header": _header,
    "HeaderRegexp": _header_regexp,
    "Query": _query,
    "QueryRegexp": _query_regexp,
}
