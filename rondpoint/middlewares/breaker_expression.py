"""The conditions of circuit breakers: `NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(50.0) > 100`."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from rondpoint.middlewares import condition
from rondpoint.middlewares.condition import tests_of

MAX_RATIOS = 8
"""Different calls of ResponseCodeRatio in an expression."""


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


def metrics(condition: Condition) -> list[Metric]:
    """Return the metrics of a condition in order, each as often as it occurs."""
    return [comparison.metric for comparison in tests_of(condition)]
