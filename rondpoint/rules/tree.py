"""Builds expression trees in one normal form for all rule languages."""

from __future__ import annotations

from collections.abc import Iterable

from rondpoint.rules.expression import And, Expression, Match, Not, Or
from rondpoint.rules.nesting import nesting_depth


def conjunction(items: Iterable[Expression]) -> Expression:
    """Return the conjunction of at least one item; nested Ands are merged into it."""
    flat: list[Expression] = []
    for item in items:
        flat.extend(item.items if isinstance(item, And) else (item,))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def disjunction(items: Iterable[Expression]) -> Expression:
    """Return the disjunction of at least one item; nested Ors and matchers of one kind are merged."""
    flat: list[Expression] = []
    position_of: dict[str, int] = {}
    values: dict[str, list[str]] = {}
    for outer in items:
        for item in outer.items if isinstance(outer, Or) else (outer,):
            if not isinstance(item, Match):
                flat.append(item)
            elif item.kind in values:
                values[item.kind].extend(item.values)
            else:
                position_of[item.kind] = len(flat)
                values[item.kind] = list(item.values)
                flat.append(item)
    for kind, at in position_of.items():
        flat[at] = Match(kind, tuple(dict.fromkeys(values[kind])))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negation(item: Expression) -> Expression:
    """Return the negation of `item`; two negations cancel out."""
    return item.item if isinstance(item, Not) else Not(item)


def depth(expression: Expression) -> int:
    """Count the nested levels of And, Or and Not."""
    return nesting_depth(expression, _operands)


def _operands(expression: Expression) -> tuple[Expression, ...]:
    if isinstance(expression, Not):
        return (expression.item,)
    return expression.items if isinstance(expression, (And, Or)) else ()
