"""Counts of the recent requests of one circuit breaker: statuses of 10 seconds, latencies of a minute.

Each worker has a row of integers and writes only that one. For a sum, it adds up the rows of all workers. A
row has a bucket for each time span. A bucket begins with the number of its span and the generation of its
counts; a reader skips buckets of another span or generation. So nothing has to be cleared for others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log

from proxy.circuit_breaker.conditions import StatusRange
from rondpoint.middlewares.breaker_expression import MAX_RATIOS

Row = memoryview  # of unsigned integers with 32 bits
NETWORK_ERRORS = (502, 504)
"""Statuses that count as network errors, as in Traefik, whether a server or the proxy sent them."""

STATUS_SECONDS = 10
LATENCY_SPANS = 6
LATENCY_SPAN_SECONDS = 10

# Each latency class is 3% wide, from a millisecond to an hour.
_WIDTH = log(1.03)
_MAX_MS = 3_600_000
LATENCY_CLASSES = int(log(_MAX_MS) / _WIDTH) + 2

_MARK = 2  # the integers at the start of a bucket: time span, generation
_TOTAL, _ERRORS, _RANGES = _MARK, _MARK + 1, _MARK + 2
_STATUS_BUCKET = _RANGES + 2 * MAX_RATIOS
_LATENCY_BUCKET = _MARK + LATENCY_CLASSES
_LATENCIES = STATUS_SECONDS * _STATUS_BUCKET
ROW_INTEGERS = _LATENCIES + LATENCY_SPANS * _LATENCY_BUCKET
"""The length of a row."""


class Statistics:
    """Counts requests in `row`, and adds up the rows that `all_rows` returns."""

    def __init__(
        self, row: Row, all_rows: Callable[[], Sequence[Row]], ranges: tuple[StatusRange, ...]
    ) -> None:
        self._row = row
        self._all_rows = all_rows
        self._ranges = ranges
        self._positions: dict[int, tuple[int, ...]] = {}

    def record(self, now: float, generation: int, status: int, latency: float | None) -> None:
        """Count a request that ended `now`, with its latency in seconds, if it has one."""
        row = self._row
        positions = self._positions.get(status)
        if positions is None:
            positions = self._positions[status] = self._positions_of(status)
        start = _begin_bucket(row, 0, STATUS_SECONDS, _STATUS_BUCKET, int(now), generation)
        for position in positions:
            row[start + position] += 1
        if latency is not None:
            span = int(now / LATENCY_SPAN_SECONDS)
            start = _begin_bucket(row, _LATENCIES, LATENCY_SPANS, _LATENCY_BUCKET, span, generation)
            row[start + _MARK + latency_class(latency * 1000)] += 1

    def sums(self, now: float, generation: int) -> RecentSums:
        """Return the sums over the recent requests of a generation."""
        return RecentSums(self._all_rows(), now, generation)

    def _positions_of(self, status: int) -> tuple[int, ...]:
        """Return the positions in a bucket at which a request with this status counts."""
        found = [_TOTAL]
        if status in NETWORK_ERRORS:
            found.append(_ERRORS)
        found += [_RANGES + at for at, each in enumerate(self._ranges) if each.low <= status < each.high]
        return tuple(found)


class RecentSums:
    """The sums of all rows at one moment; see `conditions.Sums`."""

    def __init__(self, rows: Sequence[Row], now: float, generation: int) -> None:
        self._rows = rows
        self._now = now
        self._generation = generation

    def network_error_ratio(self) -> float:
        return self._ratio(_ERRORS, _TOTAL)

    def status_ratio(self, part: int, whole: int) -> float:
        return self._ratio(_RANGES + part, _RANGES + whole)

    def latency_ms(self, quantile: float) -> int:
        span = int(self._now / LATENCY_SPAN_SECONDS)
        counts = [0] * LATENCY_CLASSES
        for row in self._rows:
            for start in _buckets(_LATENCIES, LATENCY_SPANS, _LATENCY_BUCKET):
                if self._is_recent(row, start, span, LATENCY_SPANS):
                    values = row[start + _MARK : start + _LATENCY_BUCKET]
                    counts = [one + other for one, other in zip(counts, values, strict=True)]
        wanted = max(1, int(quantile / 100 * sum(counts) + 0.5))
        reached = 0
        for number, count in enumerate(counts):
            reached += count
            if reached >= wanted:
                return class_latency(number)
        return 0

    def _ratio(self, part: int, whole: int) -> float:
        second = int(self._now)
        parts = wholes = 0
        for row in self._rows:
            for start in _buckets(0, STATUS_SECONDS, _STATUS_BUCKET):
                if self._is_recent(row, start, second, STATUS_SECONDS):
                    parts += row[start + part]
                    wholes += row[start + whole]
        return parts / wholes if wholes else 0.0

    def _is_recent(self, row: Row, start: int, span: int, spans: int) -> bool:
        return row[start + 1] == self._generation and span - spans < row[start] <= span


def latency_class(milliseconds: float) -> int:
    """Return the number of the class of a latency; 0 is less than a millisecond."""
    if milliseconds < 1:
        return 0
    return 1 + int(log(min(milliseconds, _MAX_MS)) / _WIDTH)


def class_latency(number: int) -> int:
    """Return the latency in the middle of a class, in whole milliseconds."""
    return int(exp((number - 0.5) * _WIDTH)) if number else 0


def _buckets(first: int, count: int, length: int) -> range:
    return range(first, first + count * length, length)


def _begin_bucket(row: Row, first: int, count: int, length: int, span: int, generation: int) -> int:
    """Return the start of the bucket of a time span, cleared if it holds the counts of another."""
    start = first + span % count * length
    if row[start] != span or row[start + 1] != generation:
        row[start : start + length] = memoryview(bytes(length * 4)).cast("I")
        row[start], row[start + 1] = span, generation
    return start
