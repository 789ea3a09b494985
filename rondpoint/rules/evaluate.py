"""Evaluates expressions in the simplest way, for explanations and as a reference for tests of faster ways."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from msgspec import Struct

from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.patterns import compile_pattern
from rondpoint.rules.request_facts import Facts


class Evaluation(Struct, frozen=True):
    """The result of an expression and, as the reason, the evaluations of its operands."""

    expression: Expression
    matches: bool
    operands: tuple[Evaluation, ...] = ()


def evaluate(expression: Expression, facts: Facts) -> bool:
    """Return whether the expression matches a request."""
    match expression:
        case And(items):
            return all(evaluate(item, facts) for item in items)
        case Or(items):
            return any(evaluate(item, facts) for item in items)
        case Not(item):
            return not evaluate(item, facts)
        case Match(kind, values):
            return any(_match_value(kind, value, facts) for value in values)
        case Keyed(kind, key, values):
            return any(_match_keyed_value(kind, key, value, facts) for value in values)


def explain(expression: Expression, facts: Facts) -> Evaluation:
    """Evaluate the expression and all its operands."""
    match expression:
        case And(items) | Or(items):
            operands = tuple(explain(item, facts) for item in items)
        case Not(item):
            operands = (explain(item, facts),)
        case _:
            operands = ()
    return Evaluation(expression, evaluate(expression, facts), operands)


def _match_value(kind: str, value: str, facts: Facts) -> bool:
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
            return _is_in_network(facts.client, value)
    raise ValueError(f"unknown matcher {kind}")


def _match_keyed_value(kind: str, key: str, value: str, facts: Facts) -> bool:
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


def _is_in_network(client: str, network: str) -> bool:
    try:
        return ip_address(client) in ip_network(network)
    except ValueError:
        # Clients on a Unix socket have no address.
        return False
