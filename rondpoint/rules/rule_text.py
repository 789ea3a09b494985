"""Expressions in Traefik 3's rule language, whichever language they were read from."""

from __future__ import annotations

from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.quoted import quote

_OR, _AND, _NOT = 1, 2, 3


def written(expression: Expression, binding: int = 0) -> str:
    """The expression with the parentheses that it needs where operators of this `binding` stand around it."""
    match expression:
        case Match(kind, values):
            text, own = " || ".join(f"{kind}({quote(value)})" for value in values), _OR
            own = own if len(values) > 1 else _NOT
        case Keyed(kind, key, values):
            text = " || ".join(f"{kind}({quote(key)}, {quote(value)})" for value in values)
            own = _OR if len(values) > 1 else _NOT
        case Not(item):
            return f"!{written(item, _NOT)}"
        case And(items):
            text, own = " && ".join(written(item, _AND) for item in items), _AND
        case Or(items):
            text, own = " || ".join(written(item, _OR) for item in items), _OR
    return f"({text})" if own < binding else text
