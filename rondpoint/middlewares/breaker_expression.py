"""The conditions of circuit breakers: `NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(50.0) > 100`.

Traefik wants a decimal point in some numbers and none in others. Here the two forms of a number are the same.
"""

from __future__ import annotations

from functools import cache
from math import inf
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from msgspec import Struct

from rondpoint.rules.suggestions import did_you_mean

MAX_LENGTH = 1000
"""Characters in an expression."""

MAX_DEPTH = 32
"""Nested levels of `&&`, `||` and `!`; other code walks the tree by recursion."""

MAX_RATIOS = 8
"""Different calls of ResponseCodeRatio in an expression."""

ARGUMENTS = {"NetworkErrorRatio": 0, "ResponseCodeRatio": 4, "LatencyAtQuantileMS": 1}
"""The number of arguments of each metric."""


class Metric(Struct, frozen=True):
    """A metric of the recent requests, with its arguments."""

    name: str
    arguments: tuple[float, ...] = ()


class Comparison(Struct, frozen=True):
    """A comparison of a metric with a number; `operator` is one of `< <= > >= == !=`."""

    metric: Metric
    operator: str
    value: float


class And(Struct, frozen=True):
    """A conjunction of at least two conditions."""

    items: tuple[Condition, ...]


class Or(Struct, frozen=True):
    """A disjunction of at least two conditions."""

    items: tuple[Condition, ...]


class Not(Struct, frozen=True):
    """A negation."""

    item: Condition


Condition = Comparison | And | Or | Not


class ExpressionError(ValueError):
    """An expression that is invalid; `position` is the offset of the error, or None."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} at character {position + 1}")
        self.position = position


def parse(text: str) -> Condition:
    """Parse a condition. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH:,} characters")
    try:
        condition = cast(Condition, _grammar().parse(text))
    except UnexpectedCharacters as error:
        position = error.pos_in_stream or 0
        raise ExpressionError(f"unexpected {text[position]}", position) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise ExpressionError("the expression ends too early") from None
        raise ExpressionError(f"unexpected {error.token}", error.token.start_pos) from None
    if _depth(condition) > MAX_DEPTH:
        raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} levels deep")
    if len({metric for metric in metrics(condition) if metric.name == "ResponseCodeRatio"}) > MAX_RATIOS:
        raise ExpressionError(f"there are more than {MAX_RATIOS} different calls of ResponseCodeRatio")
    return condition


def metrics(condition: Condition) -> list[Metric]:
    """Return the metrics of a condition in order, each as often as it occurs."""
    if isinstance(condition, Comparison):
        return [condition.metric]
    if isinstance(condition, Not):
        return metrics(condition.item)
    return [metric for item in condition.items for metric in metrics(item)]


@cache
def _grammar() -> Lark:
    return Lark.open(
        "breaker_expression.lark", rel_to=__file__, parser="lalr", lexer="basic", transformer=_Builder()
    )


@v_args(inline=True)
class _Builder(Transformer[Token, Condition]):
    """Builds the condition during parsing."""

    def disjunction(self, *items: Condition) -> Condition:
        return Or(items)

    def conjunction(self, *items: Condition) -> Condition:
        return And(items)

    def negation(self, item: Condition) -> Condition:
        return item.item if isinstance(item, Not) else Not(item)

    def comparison(self, metric: Metric, operator: Token, value: Token) -> Condition:
        return Comparison(metric, str(operator), _number(value))

    def metric(self, name: Token, *arguments: Token | None) -> Metric:
        count = ARGUMENTS.get(name)
        position = name.start_pos or 0
        if count is None:
            hint = did_you_mean(name, ARGUMENTS)
            raise ExpressionError(f"unknown metric {name}{f' ({hint})' if hint else ''}", position)
        given = tuple(_number(argument) for argument in arguments if argument is not None)
        if len(given) != count:
            raise ExpressionError(f"{name} takes {_COUNTS[count]}, not {len(given)},", position)
        if name == "ResponseCodeRatio" and any(number % 1 for number in given):
            raise ExpressionError("ResponseCodeRatio takes whole numbers, not others,", position)
        if name == "LatencyAtQuantileMS" and given[0] > 100:
            raise ExpressionError(
                "LatencyAtQuantileMS takes a number from 0 to 100, not a higher one,", position
            )
        return Metric(str(name), given)


_COUNTS = {0: "no arguments", 1: "one argument", 4: "four arguments"}


def _number(token: Token) -> float:
    number = float(token)
    if number == inf:
        raise ExpressionError(f"{token} is too high", token.start_pos)
    return number


def _depth(condition: Condition) -> int:
    """Count the nested levels, without recursion, which this count limits."""
    deepest = 0
    waiting: list[tuple[Condition, int]] = [(condition, 0)]
    while waiting:
        item, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(item, Not):
            waiting.append((item.item, level + 1))
        elif isinstance(item, (And, Or)):
            waiting.extend((inner, level + 1) for inner in item.items)
    return deepest
