"""What expressions mean, said as plainly as can be: for explanations, and to test faster ways against."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from msgspec import Struct

from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.patterns import compile_pattern
from rondpoint.rules.request_facts import Facts


class Verdict(Struct, frozen=True):
    """Whether an expression holds, and why: the verdicts on what it is made of."""

    expression: Expression
    holds: bool
    parts: tuple[Verdict, ...] = ()


def evaluate(expression: Expression, facts: Facts) -> bool:
    """Whether the expression holds for a request."""
    match expression:
        case And(items):
            return all(evaluate(item, facts) for item in items)
        case Or(items):
            return any(evaluate(item, facts) for item in items)
        case Not(item):
            return not evaluate(item, facts)
        case Match(kind, values):
            return any(_matches(kind, value, facts) for value in values)
        case Keyed(kind, key, values):
            return any(_finds(kind, key, value, facts) for value in values)


def explain(expression: Expression, facts: Facts) -> Verdict:
    """The same, with the verdict on every part."""
    match expression:
        case And(items) | Or(items):
            parts = tuple(explain(item, facts) for item in items)
        case Not(item):
            parts = (explain(item, facts),)
        case _:
            parts = ()
    return Verdict(expression, evaluate(expression, facts), parts)


def _matches(kind: str, value: str, facts: Facts) -> bool:
    match kind:
        case "Host":
            return facts.host == value
        case "HostRegexp":
            return compile_pattern(value).search(facts.host) is not None
        case "Path":
            return facts.path == value
        case "PathPrefix":
            return facts.path.startswith(value)
        case "PathRegexp":
            return compile_pattern(value).search(facts.path) is not None
        case "Method":
            return facts.method == value
        case "ClientIP":
            return _within(facts.client, value)
    raise ValueError(f"unknown matcher {kind}")


def _finds(kind: str, key: str, value: str, facts: Facts) -> bool:
    match kind:
        case "Header" | "HeaderRegexp":
            found = facts.headers.get(key, ())
        case "Query" | "QueryRegexp":
            found = tuple(given for name, given in facts.query if name == key)
        case _:
            raise ValueError(f"unknown matcher {kind}")
    if kind.endswith("Regexp"):
        pattern = compile_pattern(value)
        return any(pattern.search(given) is not None for given in found)
    return value in found


def _within(client: str, network: str) -> bool:
    try:
        return ip_address(client) in ip_network(network)
    except ValueError:
        # Over a Unix socket, clients have no address.
        return False
