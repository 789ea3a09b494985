"""Building expression trees in one form, whichever language they come from."""

from __future__ import annotations

from collections.abc import Iterable

from rondpoint.rules.expression import And, Expression, Match, Not, Or


def conjunction(items: Iterable[Expression]) -> Expression:
    """All of `items`, at least one; what was an And within melts into it."""
    flat: list[Expression] = []
    for item in items:
        flat.extend(item.items if isinstance(item, And) else (item,))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def disjunction(items: Iterable[Expression]) -> Expression:
    """One of `items`, at least one; an Or within melts into it, matchers of one kind become one."""
    flat: list[Expression] = []
    place: dict[str, int] = {}
    values: dict[str, list[str]] = {}
    for outer in items:
        for item in outer.items if isinstance(outer, Or) else (outer,):
            if not isinstance(item, Match):
                flat.append(item)
            elif item.kind in values:
                values[item.kind].extend(item.values)
            else:
                place[item.kind] = len(flat)
                values[item.kind] = list(item.values)
                flat.append(item)
    for kind, at in place.items():
        flat[at] = Match(kind, tuple(dict.fromkeys(values[kind])))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negation(item: Expression) -> Expression:
    """The contrary of `item`; two negations cancel out."""
    return item.item if isinstance(item, Not) else Not(item)


def depth(expression: Expression) -> int:
    """Levels of And, Or and Not within each other; without recursion, for it is what guards recursion."""
    deepest = 0
    waiting: list[tuple[Expression, int]] = [(expression, 0)]
    while waiting:
        item, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(item, Not):
            waiting.append((item.item, level + 1))
        elif isinstance(item, (And, Or)):
            waiting.extend((inner, level + 1) for inner in item.items)
    return deepest
