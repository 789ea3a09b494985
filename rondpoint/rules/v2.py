"""The rule language of Traefik 2, which Traefik 3 reads where a router's `ruleSyntax` is `v2`.

Its expressions are those of Traefik 3, its matchers those of Traefik 1: several values in one, templates for
paths and hosts, for instance ``Host(`a.test`, `b.test`) && Path(`/users/{id:[0-9]+}`)``.
"""

from __future__ import annotations

from collections.abc import Callable

from rondpoint.rules import template_matchers, tree
from rondpoint.rules.expression import Expression, Match, Rule
from rondpoint.rules.matchers import Matcher, ValueFault, host, method, network
from rondpoint.rules.v3 import Syntax
from rondpoint.rules.v3 import parse as parse_with


def parse(text: str) -> Rule:
    """Read a rule; raises RuleError."""
    return parse_with(text, SYNTAX)


def _one_of(read: Callable[[str], Expression]) -> Matcher:
    def build(*values: str) -> Expression:
        return tree.disjunction(_at(place, read, value) for place, value in enumerate(values))

    return Matcher(build, many=True)


def _all_pairs(read: Callable[[str, str], Expression]) -> Matcher:
    def build(*values: str) -> Expression:
        if len(values) % 2:
            raise ValueFault("it takes names and values in turn", "write a value behind each name")
        pairs = zip(values[::2], values[1::2], strict=True)
        return tree.conjunction(_at(2 * place, read, *pair) for place, pair in enumerate(pairs))

    return Matcher(build, many=True)


def _queries(*values: str) -> Expression:
    return tree.conjunction(_at(place, _query, value) for place, value in enumerate(values))


def _query(value: str) -> Expression:
    name, _, wanted = value.partition("=")
    return template_matchers.query(name, wanted)


def _at(place: int, read: Callable[..., Expression], *values: str) -> Expression:
    try:
        return read(*values)
    except ValueFault as fault:
        raise ValueFault(str(fault), fault.hint, place) from None


def _method(value: str) -> Expression:
    return Match("Method", (method(value),))


def _client(value: str) -> Expression:
    return Match("ClientIP", (network(value),))


SYNTAX = Syntax(
    {
        "ClientIP": _one_of(_client),
        "Headers": _all_pairs(template_matchers.header),
        "HeadersRegexp": _all_pairs(template_matchers.header_pattern),
        "Host": _one_of(host),
        "HostHeader": _one_of(host),
        "HostRegexp": _one_of(template_matchers.host_pattern),
        "Method": _one_of(_method),
        "Path": _one_of(template_matchers.path_or_pattern),
        "PathPrefix": _one_of(template_matchers.prefix_or_pattern),
        "Query": Matcher(_queries, many=True),
    },
    {
        "header": "Headers(`name`, `value`)",
        "headerregexp": "HeadersRegexp(`name`, `expression`)",
        "pathregexp": "Path with a template: Path(`/{name:expression}`)",
        "queryregexp": "Query with a template: Query(`name={value:expression}`)",
    },
)
