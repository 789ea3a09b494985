"""Statistics of recent requests: windows, ranges of statuses, latencies, generations and several workers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.circuit_breaker.conditions import StatusRange
from proxy.circuit_breaker.statistics import (
    LATENCY_CLASSES,
    ROW_INTEGERS,
    RecentSums,
    Row,
    Statistics,
    class_latency,
    latency_class,
)

RANGES = (StatusRange(500, 600), StatusRange(0, 600), StatusRange(404, 405))


def rows(count: int) -> list[Row]:
    return [memoryview(bytearray(ROW_INTEGERS * 4)).cast("I") for _ in range(count)]


def workers(count: int) -> list[Statistics]:
    """Return the statistics of one breaker in several workers."""
    shared = rows(count)
    return [Statistics(row, lambda: shared, RANGES) for row in shared]


def recorded(*requests: tuple[float, int], latency: float | None = None, generation: int = 1) -> Statistics:
    """Return statistics with requests, given by time and status."""
    (statistics,) = workers(1)
    for time, status in requests:
        statistics.record(time, generation, status, latency)
    return statistics


def ratios(sums: RecentSums) -> tuple[float, float, float]:
    """Return the network errors, the share of 5xx, and the 404s for each 5xx."""
    return sums.network_error_ratio(), sums.status_ratio(0, 1), sums.status_ratio(2, 0)


@pytest.mark.parametrize(
    ("requests", "now", "expected"),
    [
        ([], 100.0, (0, 0, 0)),
        ([(100.0, 200)], 100.0, (0, 0, 0)),
        ([(100.0, 502), (100.1, 200)], 100.5, (0.5, 0.5, 0)),
        ([(100.0, 504), (100.1, 500)], 100.5, (0.5, 1, 0)),
        ([(100.0, 404), (100.1, 503), (100.1, 404)], 100.5, (0, 1 / 3, 2)),
        ([(100.0, 502), (105.0, 200)], 109.99, (0.5, 0.5, 0)),
        ([(100.0, 502), (105.0, 200)], 110.0, (0, 0, 0)),
        ([(100.0, 502), (110.0, 200)], 110.0, (0, 0, 0)),
        ([(100.9, 502), (101.0, 200)], 110.0, (0, 0, 0)),
        ([(0.0, 502)], 9.0, (1, 1, 0)),
        ([(100.0, 502)], 1_000_000.0, (0, 0, 0)),
        ([(100.0, 700)], 100.0, (0, 0, 0)),
    ],
)
def test_ratios(requests: list[tuple[float, int]], now: float, expected: tuple[float, float, float]) -> None:
    assert ratios(recorded(*requests).sums(now, 1)) == expected


def test_the_sums_are_those_of_all_workers() -> None:
    first, second = workers(2)
    first.record(100.0, 1, 502, 0.1)
    second.record(100.0, 1, 200, 0.3)
    for statistics in (first, second):
        assert statistics.sums(100.0, 1).network_error_ratio() == 0.5
        assert statistics.sums(100.0, 1).latency_ms(100) == pytest.approx(300, rel=0.03)
        assert statistics.sums(100.0, 1).latency_ms(50) == pytest.approx(100, rel=0.03)


def test_requests_of_an_earlier_generation_do_not_count() -> None:
    statistics = recorded((100.0, 502), latency=5.0, generation=1)
    assert statistics.sums(100.0, 2).network_error_ratio() == 0
    assert statistics.sums(100.0, 2).latency_ms(50) == 0
    statistics.record(100.1, 2, 200, 0.2)
    assert statistics.sums(100.2, 2).network_error_ratio() == 0
    assert statistics.sums(100.2, 2).latency_ms(100) == pytest.approx(200, rel=0.03)
    assert statistics.sums(100.2, 1).network_error_ratio() == 0


def test_latencies_count_for_a_minute() -> None:
    statistics = recorded((100.0, 200), latency=1.0)
    assert statistics.sums(159.0, 1).latency_ms(50) == pytest.approx(1000, rel=0.03)
    assert statistics.sums(160.0, 1).latency_ms(50) == 0


def test_a_request_without_latency_counts_by_its_status_alone() -> None:
    sums = recorded((100.0, 502)).sums(100.0, 1)
    assert (sums.network_error_ratio(), sums.latency_ms(100)) == (1, 0)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=50), st.floats(0, 100))
def test_a_percentile_is_within_three_percent(latencies: list[int], quantile: float) -> None:
    (statistics,) = workers(1)
    for latency in latencies:
        statistics.record(100.0, 1, 200, latency / 1000)
    rank = max(1, int(quantile / 100 * len(latencies) + 0.5))
    exact = sorted(latencies)[rank - 1]
    assert abs(statistics.sums(100.0, 1).latency_ms(quantile) - exact) <= 1 + 0.03 * exact


@given(st.floats(0, 1e12))
def test_each_latency_has_a_class(milliseconds: float) -> None:
    number = latency_class(milliseconds)
    assert 0 <= number < LATENCY_CLASSES
    if milliseconds < 3_000_000:
        assert class_latency(number) == pytest.approx(milliseconds, rel=0.03, abs=1)


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from([200, 404, 500, 502])), max_size=40))
def test_sums_are_those_of_the_last_ten_seconds(requests: list[tuple[float, int]]) -> None:
    requests = sorted(requests)
    statistics = recorded(*requests)
    now = requests[-1][0] if requests else 0.0
    recent = [status for time, status in requests if int(time) > int(now) - 10]
    errors = sum(status == 502 for status in recent)
    assert statistics.sums(now, 1).network_error_ratio() == (errors / len(recent) if recent else 0)
