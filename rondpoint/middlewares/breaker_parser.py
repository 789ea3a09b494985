"""Parses the conditions of circuit breakers.

Traefik wants a decimal point in some numbers and none in others. Here the two forms of a number are the same.
"""

from __future__ import annotations

from typing import cast

from lark import Token, v_args

from rondpoint.middlewares.breaker_expression import MAX_RATIOS, Comparison, Condition, Metric, metrics
from rondpoint.middlewares.condition import ExpressionError
from rondpoint.middlewares.condition_parser import (
    Call,
    ConditionBuilder,
    check_name,
    parse_condition,
    read_number,
)

ARGUMENTS = {"NetworkErrorRatio": 0, "ResponseCodeRatio": 4, "LatencyAtQuantileMS": 1}
"""The number of arguments of each metric."""


def parse_breaker_expression(text: str) -> Condition:
    """Parse a condition. Raises ExpressionError."""
    found = cast(Condition, parse_condition(text, _Builder))
    if len({metric for metric in metrics(found) if metric.name == "ResponseCodeRatio"}) > MAX_RATIOS:
        raise ExpressionError(f"there are more than {MAX_RATIOS} different calls of ResponseCodeRatio")
    return found


@v_args(inline=True)
class _Builder(ConditionBuilder):
    def predicate(self, call: Call) -> Comparison:
        raise ExpressionError(f"{call.name} is not compared with a number", call.position)

    def comparison(self, call: Call, operator: Token, value: Token) -> Comparison:
        return Comparison(_metric(call), str(operator), read_number(value))


_COUNTS = {0: "no arguments", 1: "one argument", 4: "four arguments"}


def _metric(call: Call) -> Metric:
    name, given, position = call.name, call.arguments, call.position
    check_name(call, tuple(ARGUMENTS), "metric")
    count = ARGUMENTS[name]
    if len(given) != count:
        raise ExpressionError(f"{name} takes {_COUNTS[count]}, not {len(given)},", position)
    if name == "ResponseCodeRatio" and any(number % 1 for number in given):
        raise ExpressionError("ResponseCodeRatio takes whole numbers, not others,", position)
    if name == "LatencyAtQuantileMS" and given[0] > 100:
        raise ExpressionError("LatencyAtQuantileMS takes a number from 0 to 100, not a higher one,", position)
    return Metric(name, given)
