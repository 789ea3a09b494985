"""What expression trees mean, said as plainly as can be: the oracle of the rule tests."""

from __future__ import annotations

from rondpoint.rules.expression import And, Expression, Match, Not, Or


def holds(expression: Expression, host: str, path: str) -> bool:
    match expression:
        case And(items):
            return all(holds(item, host, path) for item in items)
        case Or(items):
            return any(holds(item, host, path) for item in items)
        case Not(item):
            return not holds(item, host, path)
        case Match("Host", values):
            return host in values
        case Match("Path", values):
            return path in values
        case Match("PathPrefix", values):
            return path.startswith(values)
    raise AssertionError(expression)
