"""Parses the conditions of several middlewares: `A() > 1 && (B() || C(2) == 3)`.

Each middleware has functions of its own: its builder makes a test of each call. Import this module where a
condition is read, because lark, the parser's library, takes 2 MB and most workers read none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import inf
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from msgspec import Struct

from rondpoint.middlewares.condition import And, ExpressionError, Not, Or, operands
from rondpoint.rules.nesting import nesting_depth
from rondpoint.rules.suggestions import did_you_mean

MAX_LENGTH = 1000
"""Characters in an expression."""

MAX_DEPTH = 32
"""Nested levels of `&&`, `||` and `!`; other code walks the tree by recursion."""


class Call(Struct, frozen=True):
    """A call of a function with numbers; `position` is where it begins in the expression."""

    name: str
    arguments: tuple[float, ...] = ()
    position: int = 0


@v_args(inline=True)
class ConditionBuilder(Transformer[Token, Any]):
    """Builds a condition while its text is parsed.

    A subclass makes the tests: `comparison` of a call, an operator and a number or quoted text, `predicate`
    of a call alone.
    """

    def disjunction(self, *items: Any) -> Any:
        return Or(items)

    def conjunction(self, *items: Any) -> Any:
        return And(items)

    def negation(self, item: Any) -> Any:
        return item.item if isinstance(item, Not) else Not(item)

    def call(self, name: Token, *arguments: Token | None) -> Call:
        given = tuple(read_number(argument) for argument in arguments if argument is not None)
        return Call(str(name), given, name.start_pos or 0)


def parse_condition(text: str, builder: type[ConditionBuilder]) -> Any:
    """Parse a condition; its tests are those of the builder. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH:,} characters")
    try:
        condition = cast(Any, _parser(builder).parse(text))
    except UnexpectedCharacters as error:
        position = error.pos_in_stream or 0
        raise ExpressionError(f"unexpected {text[position]}", position) from None
    except UnexpectedToken as unexpected_token:
        if unexpected_token.token.type == "$END":
            raise ExpressionError("the expression ends too early") from None
        raise ExpressionError(
            f"unexpected {unexpected_token.token}", unexpected_token.token.start_pos
        ) from None
    if nesting_depth(condition, operands) > MAX_DEPTH:
        raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} levels deep")
    return condition


def check_name(call: Call, known: Sequence[str], what: str) -> None:
    """Raise ExpressionError if the call names none of the `known` functions; `what` is one of them."""
    if call.name not in known:
        hint = did_you_mean(call.name, known)
        raise ExpressionError(f"unknown {what} {call.name}{f' ({hint})' if hint else ''}", call.position)


def read_number(token: Token) -> float:
    """Return a number. Raises ExpressionError for a text or too high a number."""
    if token.type != "NUMBER":
        raise ExpressionError(f"expected a number, not {token},", token.start_pos)
    number = float(token)
    if number == inf:
        raise ExpressionError(f"{token} is too high", token.start_pos)
    return number


@cache
def _parser(builder: type[ConditionBuilder]) -> Lark:
    return Lark.open("condition.lark", rel_to=__file__, parser="lalr", lexer="basic", transformer=builder())
