"""Compiled conditions, with statistics of given values."""

import pytest

from proxy.circuit_breaker.conditions import compile_condition, ranges_of
from rondpoint.middlewares.breaker_parser import parse_breaker_expression

RATIO = "ResponseCodeRatio(500, 600, 0, 600)"


class Fixed:
    """Sums with fixed values: a tenth of network errors, a quarter of 5xx, percentiles as latencies."""

    def network_error_ratio(self) -> float:
        return 0.1

    def status_ratio(self, part: int, whole: int) -> float:
        assert (part, whole) == (0, 1)
        return 0.25

    def latency_ms(self, quantile: float) -> int:
        return int(quantile)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("NetworkErrorRatio() > 0.1", False),
        ("NetworkErrorRatio() >= 0.1", True),
        ("NetworkErrorRatio() < 0.1", False),
        ("NetworkErrorRatio() <= 0.1", True),
        ("NetworkErrorRatio() == 0.1", True),
        ("NetworkErrorRatio() != 0.1", False),
        (f"{RATIO} > 0.2", True),
        ("LatencyAtQuantileMS(95) == 95", True),
        ("!LatencyAtQuantileMS(95) == 95", False),
        (f"{RATIO} > 0.2 && NetworkErrorRatio() > 0.1", False),
        (f"{RATIO} > 0.2 || NetworkErrorRatio() > 0.1", True),
        (f"{RATIO} > 0.3 || NetworkErrorRatio() > 0.1 || LatencyAtQuantileMS(1) > 0", True),
        (f"({RATIO} > 0.2 || NetworkErrorRatio() > 0.1) && {RATIO} > 0.3", False),
    ],
)
def test_conditions(text: str, result: bool) -> None:
    assert compile_condition(parse_breaker_expression(text))(Fixed()) is result


def test_a_range_of_statuses_that_occurs_twice_is_counted_once() -> None:
    condition = parse_breaker_expression(
        f"{RATIO} > 0.2 || ResponseCodeRatio(400, 500, 0, 600) > 0.2 && !{RATIO} > 0.9"
    )
    assert ranges_of(condition) == ((500, 600), (0, 600), (400, 500))
