"""The conditions of circuit breakers: `NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(50.0) > 100`.

Traefik wants a decimal point in some numbers and none in others. Here the two forms of a number are the same.
"""

from __future__ import annotations

from typing import TypeAlias, cast

from lark import Token, v_args
from msgspec import Struct

from rondpoint.middlewares import condition
from rondpoint.middlewares.condition import (
    Call,
    ConditionBuilder,
    ExpressionError,
    check_name,
    parse_condition,
    read_number,
    tests_of,
)

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


Condition: TypeAlias = condition.Condition[Comparison]


def parse(text: str) -> Condition:
    """Parse a condition. Raises ExpressionError."""
    found = cast(Condition, parse_condition(text, _Builder))
    if len({metric for metric in metrics(found) if metric.name == "ResponseCodeRatio"}) > MAX_RATIOS:
        raise ExpressionError(f"there are more than {MAX_RATIOS} different calls of ResponseCodeRatio")
    return found


def metrics(condition: Condition) -> list[Metric]:
    """Return the metrics of a condition in order, each as often as it occurs."""
    return [comparison.metric for comparison in tests_of(condition)]


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
