"""Finds the server names in the rule of a TCP router."""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.rules.expression import And, Expression, Match, Not, Or


def server_names(expression: Expression, *, negated: bool = False) -> Iterator[str]:
    """Yield the values of every `HostSNI` in a rule, in order, without those that a negation excludes.

    With `negated`, yield the excluded ones instead.
    """
    match expression:
        case Match("HostSNI", values) if not negated:
            yield from values
        case And(items) | Or(items):
            for item in items:
                yield from server_names(item, negated=negated)
        case Not(item):
            yield from server_names(item, negated=not negated)
