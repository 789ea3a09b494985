"""Writes expressions in Traefik 3's rule language."""

from __future__ import annotations

from rondpoint.rules.expression import And, Expression, Keyed, Match, Not, Or
from rondpoint.rules.quoted import quote

_OR, _AND, _NOT = 1, 2, 3


def format_expression(expression: Expression, outer_precedence: int = 0) -> str:
    """Return the text of an expression, in parentheses if the operator around it needs them."""
    match expression:
        case Match(kind, values):
            text, precedence = " || ".join(f"{kind}({quote(value)})" for value in values), _OR
            precedence = precedence if len(values) > 1 else _NOT
        case Keyed(kind, key, values):
            text = " || ".join(f"{kind}({quote(key)}, {quote(value)})" for value in values)
            precedence = _OR if len(values) > 1 else _NOT
        case Not(item):
            return f"!{format_expression(item, _NOT)}"
        case And(items):
            text, precedence = " && ".join(format_expression(item, _AND) for item in items), _AND
        case Or(items):
            text, precedence = " || ".join(format_expression(item, _OR) for item in items), _OR
    return f"({text})" if precedence < outer_precedence else text
