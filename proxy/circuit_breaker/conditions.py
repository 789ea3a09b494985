"""Compiles the condition of a circuit breaker to a function of statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from rondpoint.middlewares.breaker_expression import Comparison, Condition, Metric, metrics
from rondpoint.middlewares.condition import OPERATORS, compile_tree


class StatusRange(NamedTuple):
    """The statuses from `low` to the one before `high`."""

    low: int
    high: int


class Sums(Protocol):
    """The counts of recent requests. The numbers of ranges are positions in `ranges_of(condition)`."""

    def network_error_ratio(self) -> float:
        """Return the share of requests with status 502 or 504; 0 without requests."""

    def status_ratio(self, part: int, whole: int) -> float:
        """Return the requests in range `part` for each one in range `whole`; 0 without any in `whole`."""

    def latency_ms(self, quantile: float) -> int:
        """Return the latency at this percentile, in whole milliseconds; 0 without requests."""


Test = Callable[[Sums], bool]
_Value = Callable[[Sums], float]


def ranges_of(condition: Condition) -> tuple[StatusRange, ...]:
    """Return the different ranges of statuses that the condition counts."""
    found: dict[StatusRange, None] = {}
    for metric in metrics(condition):
        if metric.name == "ResponseCodeRatio":
            found.update(dict.fromkeys(_ranges(metric)))
    return tuple(found)


def compile_condition(condition: Condition) -> Test:
    """Return a function that tests the condition."""
    ranges = ranges_of(condition)

    def compile_comparison(comparison: Comparison) -> Test:
        compare, limit = OPERATORS[comparison.operator], comparison.value
        value = _value(comparison.metric, ranges)
        return lambda sums: compare(value(sums), limit)

    return compile_tree(condition, compile_comparison)


def _value(metric: Metric, ranges: tuple[StatusRange, ...]) -> _Value:
    if metric.name == "NetworkErrorRatio":
        return lambda sums: sums.network_error_ratio()
    if metric.name == "LatencyAtQuantileMS":
        quantile = metric.arguments[0]
        return lambda sums: sums.latency_ms(quantile)
    part, whole = (ranges.index(each) for each in _ranges(metric))
    return lambda sums: sums.status_ratio(part, whole)


def _ranges(metric: Metric) -> tuple[StatusRange, StatusRange]:
    low, high, whole_low, whole_high = (int(number) for number in metric.arguments)
    return StatusRange(low, high), StatusRange(whole_low, whole_high)
