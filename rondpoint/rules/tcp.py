"""The rule language of TCP routers, for instance ``HostSNI(`db.test`) && !ClientIP(`10.0.0.0/8`)``.

It has the grammar of HTTP's language with other matchers. `*.example.com` in a `HostSNI` stands for one
further label, and `*` for every connection, also one without a server name.
"""

from __future__ import annotations

import re

from rondpoint.rules import template_matchers, tree, v2, v3
from rondpoint.rules.expression import Expression, Match, Rule
from rondpoint.rules.hosts import HostError, normalise
from rondpoint.rules.matchers import MATCHERS, Matcher, MatcherValueError, host_regexp, network
from rondpoint.rules.v3 import OtherMatchers, Syntax

ANY = Match("HostSNI", ("*",))
"""The rule that takes every connection; its routers come last."""

_ACME_PROTOCOL = "acme-tls/1"
_PORT = re.compile(r"[^:]:[0-9]*\Z")


def parse(text: str) -> Rule:
    """Parse a rule of Traefik 3. Raises RuleError."""
    return v3.parse(text, SYNTAX)


def parse_v2(text: str) -> Rule:
    """Parse a rule of Traefik 2, for routers whose `ruleSyntax` is `v2`. Raises RuleError."""
    return v3.parse(text, SYNTAX_V2)


def default_priority(rule: Rule) -> int:
    """Return the priority of a router that sets none: -1 for the rule of all connections, else its length."""
    return -1 if rule.expression == ANY else len(rule.text.encode())


def _server_name(value: str) -> str:
    """Return a name as clients send it: in lower case, without trailing dot; `*.` stays before it."""
    if value == "*":
        return value
    if _PORT.search(value):
        raise MatcherValueError(
            f"{value!r} has a port, which no server name has", f"write {value.rpartition(':')[0]}"
        )
    wildcard, name = ("*.", value[2:]) if value.startswith("*.") else ("", value)
    try:
        return wildcard + normalise(name).strip("[]")
    except HostError as error:
        raise MatcherValueError(str(error), error.hint) from None


def _host_sni(value: str) -> Expression:
    return Match("HostSNI", (_server_name(value),))


def _host_sni_of_v2(*values: str) -> Expression:
    for index, value in enumerate(values):
        if value.startswith("*."):
            message = f"{value!r} has a wildcard, which this syntax does not have"
            raise MatcherValueError(message, "write HostSNIRegexp(`{name:[^.]+}…`)", index)
    named = _HOSTS_OF_V2.build(*values)
    if "*" not in values[1:] or values[0] == "*":
        return named
    # As in Traefik, a * after other names needs a server name, whichever it is.
    others = [_host_sni(value) for value in values if value != "*"]
    return tree.disjunction((*others, Match("HostSNIRegexp", (".",))))


def _pattern(value: str) -> Expression:
    if not value:
        raise MatcherValueError("the expression is empty", "write HostSNI(`*`) for all connections")
    return _of_server_name(host_regexp(value))


def _template(value: str) -> Expression:
    if not value:
        raise MatcherValueError("the template is empty", "write HostSNI(`*`) for all connections")
    return _of_server_name(template_matchers.host_pattern(value))


def _of_server_name(expression: Expression) -> Expression:
    """Return HTTP's expression for a pattern of hosts as one for server names."""
    assert isinstance(expression, Match)  # noqa: S101 - both functions return one matcher
    return Match("HostSNIRegexp", expression.values)


def _protocol(value: str) -> Expression:
    if not value:
        raise MatcherValueError("the protocol is empty", "expected a protocol such as h2")
    if value == _ACME_PROTOCOL:
        raise MatcherValueError(f"{value} is not allowed, as in Traefik", "it is for ACME's challenges")
    return Match("ALPN", (value,))


def _client(value: str) -> Expression:
    return Match("ClientIP", (network(value),))


_HTTP = OtherMatchers(
    "HTTP",
    [name for name in (*MATCHERS, "HostHeader", "Headers", "HeadersRegexp") if name != "ClientIP"],
    "TCP routers match on HostSNI, HostSNIRegexp, ALPN and ClientIP",
    {"Host": "HostSNI", "HostHeader": "HostSNI", "HostRegexp": "HostSNIRegexp"},
)
_HOSTS_OF_V2 = v2.one_of(_host_sni)

SYNTAX = Syntax(
    {
        "ALPN": Matcher(_protocol),
        "ClientIP": Matcher(_client),
        "HostSNI": Matcher(_host_sni),
        "HostSNIRegexp": Matcher(_pattern),
    },
    {},
    _HTTP,
    "HostSNI",
)

SYNTAX_V2 = Syntax(
    {
        "ALPN": v2.one_of(_protocol),
        "ClientIP": v2.one_of(_client),
        "HostSNI": Matcher(_host_sni_of_v2, many=True),
        "HostSNIRegexp": v2.one_of(_template),
    },
    {},
    _HTTP,
    "HostSNI",
)
