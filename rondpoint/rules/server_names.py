"""Finds the server names in the rule of a TCP router."""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.rules.expression import And, Expression, Match, Not, Or


def server_names(expression: Expression) -> Iterator[str]:
    """Yield the values of every `HostSNI` in a rule, in order, also those in a negation."""
    match expression:
        case Match("HostSNI", values):
            yield from values
        case And(items) | Or(items):
            for item in items:
                yield from server_names(item)
        case Not(item):
            yield from server_names(item)
