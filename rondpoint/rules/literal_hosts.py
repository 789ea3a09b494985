"""Finds the literal hosts to which a rule is limited."""

from __future__ import annotations

from rondpoint.rules.expression import And, Expression, Match, Or


def literal_hosts(expression: Expression) -> frozenset[str] | None:
    """Return the only hosts that the rule can match; None if its literal hosts do not limit it."""
    match expression:
        case Match(kind="Host", values=values):
            return frozenset(values)
        case And(items=items):
            known = [hosts for hosts in map(literal_hosts, items) if hosts is not None]
            return frozenset.intersection(*known) if known else None
        case Or(items=items):
            every = [literal_hosts(item) for item in items]
            sets = [hosts for hosts in every if hosts is not None]
            return frozenset.union(*sets) if len(sets) == len(every) else None
    return None
