"""Requests of a stretch of time as a vector of numbers that can be added and taken away: pure functions.

A vector holds the requests of each class of statuses, their seconds, and how many were in each bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import add, sub

from msgspec import Struct

from rondpoint.store.metric_sums import rebucketed
from rondpoint.store.metrics import BOUNDS, Cell, Counts
from rondpoint.store.server_metrics import ServerCounts

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_DIGITS = frozenset("123456789")
_SECONDS = len(CLASSES)
_BUCKETS = _SECONDS + 1

Vector = tuple[float, ...]

ZERO: Vector = (0,) * (_BUCKETS + len(BOUNDS) + 1)


class RequestRates(Struct, frozen=True):
    """What is shown of a vector: requests a second, in all and by class; times in milliseconds.

    The times are None where no request was measured; `p50` and `p95` are read off the buckets.
    """

    rate: float
    classes: tuple[float, ...]
    mean: float | None
    p50: float | None
    p95: float | None


def router_vector(counts: Counts) -> Vector:
    """All that a router's counts tell."""
    classes = [0] * len(CLASSES)
    for name, number in counts.statuses.items():
        classes[_class_index(int(name[0]) if name[:1] in _DIGITS else 0)] += number
    buckets = counts.buckets or (0,) * (len(BOUNDS) + 1)
    return (*classes, counts.seconds, *buckets)


def cells_vector(cells: Iterable[Cell], bounds: Sequence[float]) -> Vector:
    """What some cells of a router tell together."""
    total = ZERO
    for cell in cells:
        classes = [0] * len(CLASSES)
        classes[_class_index(cell.code // 100)] = cell.requests
        total = add_vectors(total, (*classes, cell.seconds, *rebucketed(cell.buckets, bounds)))
    return total


def server_vector(counts: ServerCounts) -> Vector:
    """All that a server's counts tell."""
    classes = [0] * len(CLASSES)
    for code, number in counts.codes.items():
        classes[_class_index(code // 100)] += number
    buckets = rebucketed(counts.buckets, counts.bounds) or (0,) * (len(BOUNDS) + 1)
    return (*classes, counts.seconds, *buckets)


def add_vectors(one: Vector, other: Vector) -> Vector:
    return tuple(map(add, one, other))


def subtract_vectors(one: Vector, other: Vector) -> Vector:
    return tuple(map(sub, one, other))


def request_count(vector: Vector) -> float:
    return sum(vector[:_SECONDS])


def without_decreases(vector: Vector) -> Vector:
    """Without what has become less: counts only fall when they are lost."""
    return tuple(max(0, number) for number in vector)


def rates(vector: Vector, span: float) -> RequestRates:
    """Of the requests of `span` seconds."""
    buckets = vector[_BUCKETS:]
    measured = sum(buckets)
    return RequestRates(
        rate=_rounded(request_count(vector) / span),
        classes=tuple(_rounded(number / span) for number in vector[:_SECONDS]),
        mean=_rounded(1e3 * vector[_SECONDS] / measured) if measured else None,
        p50=_quantile(buckets, 0.5),
        p95=_quantile(buckets, 0.95),
    )


def _quantile(buckets: Sequence[float], part: float) -> float | None:
    """Milliseconds; within a bucket, requests are taken to lie evenly. Above the last bound there is only
    that bound to tell.
    """
    wanted = part * sum(buckets)
    if not wanted:
        return None
    lower = 0.0
    for upper, number in zip(BOUNDS, buckets, strict=False):
        if wanted <= number:
            return _rounded(1e3 * (lower + (upper - lower) * wanted / number))
        wanted -= number
        lower = upper
    return _rounded(1e3 * BOUNDS[-1])


def _class_index(hundreds: int) -> int:
    """What is no status at all counts as a fault."""
    return hundreds - 1 if 0 < hundreds <= len(CLASSES) else len(CLASSES) - 1


def _rounded(number: float) -> float:
    """To three digits, so that a figure that hardly moves is not told again."""
    return float(f"{number:.3g}")
