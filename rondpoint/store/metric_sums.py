"""Sums of what several workers counted: pure functions of values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

from msgspec.structs import replace

from rondpoint.store.metrics import BOUNDS, MOST_FAULTS, Cell, Counts, Own


def add(one: Counts | Own, other: Counts | Own) -> Counts | Own:
    """What both have counted, each of the same kind."""
    if isinstance(one, Own) and isinstance(other, Own):
        return add_own(one, other)
    if isinstance(one, Counts) and isinstance(other, Counts):
        return add_counts(one, other)
    raise TypeError("a worker's counts and a router's have no sum")


def add_own(one: Own, other: Own) -> Own:
    """What both have counted; of their faults, no more than either of them tells of."""
    faults = sorted((*one.faults, *other.faults), key=attrgetter("at"), reverse=True)
    return Own(
        tickets=one.tickets + other.tickets,
        local_tickets=one.local_tickets + other.local_tickets,
        late_tickets=one.late_tickets + other.late_tickets,
        propagation=add_buckets(one.propagation, other.propagation),
        propagation_seconds=one.propagation_seconds + other.propagation_seconds,
        dropped_lines=one.dropped_lines + other.dropped_lines,
        dropped_spans=one.dropped_spans + other.dropped_spans,
        faults=tuple(faults[: max(MOST_FAULTS, len(one.faults), len(other.faults))]),
    )


def add_counts(one: Counts, other: Counts) -> Counts:
    """What both have counted, under the service and the bounds of the first."""
    statuses = dict(one.statuses)
    for name, count in other.statuses.items():
        statuses[name] = statuses.get(name, 0) + count
    return Counts(
        service=one.service,
        statuses=statuses,
        buckets=add_buckets(one.buckets, other.buckets),
        seconds=one.seconds + other.seconds,
        sent=one.sent + other.sent,
        retries=one.retries + other.retries,
        cells=add_cells([*one.cells, *fitted(other.cells, other.bounds, one.bounds)]),
        bounds=one.bounds,
    )


def add_cells(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Cells of one bound, with those that are alike made one."""
    sums: dict[tuple[object, ...], Cell] = {}
    for cell in cells:
        key = (
            cell.entry_point,
            cell.method,
            cell.code,
            cell.protocol,
            cell.tls,
            cell.stopped,
            cell.labels,
        )
        before = sums.get(key)
        sums[key] = cell if before is None else _both(before, cell)
    return tuple(sums.values())


def add_buckets(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """Buckets of the same bounds; none at all are empty ones."""
    if not one or not other:
        return tuple(one or other)
    return tuple(map(int.__add__, one, other))


def fitted(cells: Iterable[Cell], bounds: Sequence[float], wanted: Sequence[float]) -> list[Cell]:
    """Cells with their buckets beside other bounds."""
    if tuple(bounds) == tuple(wanted):
        return list(cells)
    return [replace(cell, buckets=rebucketed(cell.buckets, bounds, wanted)) for cell in cells]


def rebucketed(
    buckets: Sequence[int], bounds: Sequence[float], wanted: Sequence[float] = BOUNDS
) -> tuple[int, ...]:
    """Each bucket's requests in the first of the wanted ones that reaches as far, if they are others."""
    if tuple(bounds) == tuple(wanted):
        return tuple(buckets)
    counts = [0] * (len(wanted) + 1)
    for number, count in enumerate(buckets):
        counts[bisect_left(wanted, bounds[number]) if number < len(bounds) else -1] += count
    return tuple(counts)


def _both(one: Cell, other: Cell) -> Cell:
    return replace(
        one,
        buckets=add_buckets(one.buckets, other.buckets),
        seconds=one.seconds + other.seconds,
        sent=one.sent + other.sent,
        received=one.received + other.received,
        unmeasured=one.unmeasured + other.unmeasured,
    )
