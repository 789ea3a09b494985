"""The rule language of Traefik 2, which Traefik 3 reads if a router's `ruleSyntax` is `v2`.

It has the operators of Traefik 3 and the matchers of Traefik 1, with several values in one matcher and
templates for paths and hosts, for instance ``Host(`a.test`, `b.test`) && Path(`/users/{id:[0-9]+}`)``.
"""

from __future__ import annotations

from collections.abc import Callable

from rondpoint.rules import template_matchers, tree
from rondpoint.rules.expression import Expression, Match, Rule
from rondpoint.rules.matchers import Matcher, MatcherValueError, host, method, network
from rondpoint.rules.v3 import Syntax
from rondpoint.rules.v3 import parse as parse_with


def parse(text: str) -> Rule:
    """Parse a rule. Raises RuleError."""
    return parse_with(text, SYNTAX)


def one_of(read: Callable[[str], Expression]) -> Matcher:
    """Return a matcher with one value or more, which matches if one of them does."""

    def build(*values: str) -> Expression:
        return tree.disjunction(_with_index(index, read, value) for index, value in enumerate(values))

    return Matcher(build, many=True)


def _all_pairs(read: Callable[[str, str], Expression]) -> Matcher:
    def build(*values: str) -> Expression:
        if len(values) % 2:
            raise MatcherValueError("it takes pairs of name and value", "write a value after each name")
        pairs = zip(values[::2], values[1::2], strict=True)
        return tree.conjunction(_with_index(2 * index, read, *pair) for index, pair in enumerate(pairs))

    return Matcher(build, many=True)


def _queries(*values: str) -> Expression:
    return tree.conjunction(_with_index(index, _query, value) for index, value in enumerate(values))


def _query(value: str) -> Expression:
    name, _, query_value = value.partition("=")
    return template_matchers.query(name, query_value)


def _with_index(index: int, read: Callable[..., Expression], *values: str) -> Expression:
    try:
        return read(*values)
    except MatcherValueError as fault:
        raise MatcherValueError(str(fault), fault.hint, index) from None


def _method(value: str) -> Expression:
    return Match("Method", (method(value),))


def _client(value: str) -> Expression:
    return Match("ClientIP", (network(value),))


SYNTAX = Syntax(
    {
        "ClientIP": one_of(_client),
        "Headers": _all_pairs(template_matchers.header),
        "HeadersRegexp": _all_pairs(template_matchers.header_pattern),
        "Host": one_of(host),
        "HostHeader": one_of(host),
        "HostRegexp": one_of(template_matchers.host_pattern),
        "Method": one_of(_method),
        "Path": one_of(template_matchers.path_or_pattern),
        "PathPrefix": one_of(template_matchers.prefix_or_pattern),
        "Query": Matcher(_queries, many=True),
    },
    {
        "header": "Headers(`name`, `value`)",
        "headerregexp": "HeadersRegexp(`name`, `expression`)",
        "pathregexp": "Path with a template: Path(`/{name:expression}`)",
        "queryregexp": "Query with a template: Query(`name={value:expression}`)",
    },
)
