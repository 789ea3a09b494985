"""The properties of a TCP connection that rules match, and the evaluation of rules in the simplest way."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from msgspec import Struct

from rondpoint.rules.evaluate import Evaluation
from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.patterns import compile_pattern

ANY_NAME = "*"
"""The server name in a rule that matches every connection, also one without TLS."""


class ConnectionFacts(Struct, frozen=True):
    """A connection; `server_name` is in lower case, and empty if the client sends none.

    `protocols` are those that the client offers by ALPN; `client` is its IP address, or empty.
    """

    server_name: str = ""
    protocols: tuple[str, ...] = ()
    client: str = ""


def explain_rule(expression: Expression, facts: ConnectionFacts) -> Evaluation:
    """Evaluate the rule of a TCP router and all its operands."""
    match expression:
        case And(items):
            operands = tuple(explain_rule(item, facts) for item in items)
            return Evaluation(expression, all(each.matches for each in operands), operands)
        case Or(items):
            operands = tuple(explain_rule(item, facts) for item in items)
            return Evaluation(expression, any(each.matches for each in operands), operands)
        case Not(item):
            inner = explain_rule(item, facts)
            return Evaluation(expression, not inner.matches, (inner,))
        case Match(kind, values):
            return Evaluation(expression, any(_match_value(kind, value, facts) for value in values))
        case Keyed():
            # TCP has no such matchers: a router with one takes nothing.
            return Evaluation(expression, False)


def possible_names(expression: Expression) -> frozenset[str] | None:
    """Return the only server names and wildcards that a rule can match; None if it is not limited so."""
    match expression:
        case Match("HostSNI", values):
            return None if ANY_NAME in values else frozenset(values)
        case And(items):
            known = [names for names in map(possible_names, items) if names is not None]
            return min(known, key=len, default=None)
        case Or(items):
            every = [possible_names(item) for item in items]
            sets = [names for names in every if names is not None]
            return frozenset.union(*sets) if len(sets) == len(every) else None
    return None


def wildcard_of(server_name: str) -> str:
    """Return the wildcard that matches this server name: `*.example.com` for `a.example.com`."""
    return "*." + server_name.partition(".")[2]


def is_in_networks(client: str, networks: tuple[str, ...]) -> bool:
    """Return whether one of the networks, or addresses, holds the client; False for an unknown client."""
    return bool(client) and any(ip_address(client) in ip_network(network) for network in networks)


def _match_value(kind: str, value: str, facts: ConnectionFacts) -> bool:
    match kind:
        case "HostSNI":
            return value in (ANY_NAME, facts.server_name, wildcard_of(facts.server_name))
        case "HostSNIRegexp":
            return compile_pattern(value).search(facts.server_name) is not None
        case "ALPN":
            return value in facts.protocols
        case "ClientIP":
            return is_in_networks(facts.client, (value,))
    return False
