"""Request counts as vectors that can be added and subtracted, and the rates calculated from them.

A vector holds the number of requests of each status class, their total seconds, and the number of requests in
each histogram bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import add, sub

from msgspec import Struct

from rondpoint.store.metric_sums import rebucket
from rondpoint.store.metrics import BOUNDS, Cell, Counts
from rondpoint.store.server_metrics import ServerCounts

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_DIGITS = frozenset("123456789")
_SECONDS = len(CLASSES)
_BUCKETS = _SECONDS + 1

Vector = tuple[float, ...]

ZERO: Vector = (0,) * (_BUCKETS + len(BOUNDS) + 1)


class RequestRates(Struct, frozen=True):
    """Requests per second, in total and by status class, and response times in milliseconds.

    The times are None if no request was measured. `p50` and `p95` are estimated from the buckets.
    """

    rate: float
    classes: tuple[float, ...]
    mean: float | None
    p50: float | None
    p95: float | None


def router_vector(counts: Counts) -> Vector:
    """Return the vector of a router's counts."""
    classes = [0] * len(CLASSES)
    for name, number in counts.statuses.items():
        classes[_class_index(int(name[0]) if name[:1] in _DIGITS else 0)] += number
    buckets = counts.buckets or (0,) * (len(BOUNDS) + 1)
    return (*classes, counts.seconds, *buckets)


def cells_vector(cells: Iterable[Cell], bounds: Sequence[float]) -> Vector:
    """Return the sum of some cells of a router as a vector."""
    total = ZERO
    for cell in cells:
        classes = [0] * len(CLASSES)
        classes[_class_index(cell.code // 100)] = cell.requests
        total = add_vectors(total, (*classes, cell.seconds, *rebucket(cell.buckets, bounds)))
    return total


def server_vector(counts: ServerCounts) -> Vector:
    """Return the vector of a server's counts."""
    classes = [0] * len(CLASSES)
    for code, number in counts.codes.items():
        classes[_class_index(code // 100)] += number
    buckets = rebucket(counts.buckets, counts.bounds) or (0,) * (len(BOUNDS) + 1)
    return (*classes, counts.seconds, *buckets)


def refusals_vector(count: int) -> Vector:
    """Return the vector of refused requests, whose times are not known here."""
    classes = [0] * len(CLASSES)
    classes[_class_index(4)] = count
    return (*classes, *ZERO[_SECONDS:])


def add_vectors(one: Vector, other: Vector) -> Vector:
    return tuple(map(add, one, other))


def subtract_vectors(one: Vector, other: Vector) -> Vector:
    return tuple(map(sub, one, other))


def request_count(vector: Vector) -> float:
    return sum(vector[:_SECONDS])


def without_decreases(vector: Vector) -> Vector:
    """Replace negative numbers by 0: counts only decrease when the store loses data."""
    return tuple(max(0, number) for number in vector)


def rates(vector: Vector, span: float) -> RequestRates:
    """Return the rates of requests counted over `span` seconds."""
    buckets = vector[_BUCKETS:]
    measured = sum(buckets)
    return RequestRates(
        rate=_rounded(request_count(vector) / span),
        classes=tuple(_rounded(number / span) for number in vector[:_SECONDS]),
        mean=_rounded(1e3 * vector[_SECONDS] / measured) if measured else None,
        p50=_quantile(buckets, 0.5),
        p95=_quantile(buckets, 0.95),
    )


def _quantile(buckets: Sequence[float], quantile: float) -> float | None:
    """Return a quantile in milliseconds, or None without requests.

    Requests are assumed to be spread evenly within a bucket. Above the last bound, return that bound.
    """
    remaining = quantile * sum(buckets)
    if not remaining:
        return None
    lower = 0.0
    for upper, number in zip(BOUNDS, buckets, strict=False):
        if remaining <= number:
            return _rounded(1e3 * (lower + (upper - lower) * remaining / number))
        remaining -= number
        lower = upper
    return _rounded(1e3 * BOUNDS[-1])


def _class_index(hundreds: int) -> int:
    """Return the index of a status class; an invalid status counts as 5xx."""
    return hundreds - 1 if 0 < hundreds <= len(CLASSES) else len(CLASSES) - 1


def _rounded(number: float) -> float:
    """Round to three significant digits, so that a figure that hardly changes is not sent again."""
    return float(f"{number:.3g}")
