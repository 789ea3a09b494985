"""Adds up the counts of several workers: pure functions of values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from msgspec.structs import replace

from rondpoint.store.metrics import BOUNDS, DEFAULT_RECENT_ERRORS, Cell, Counts, Refusals, WorkerCounts


def add(one: Counts | WorkerCounts, other: Counts | WorkerCounts) -> Counts | WorkerCounts:
    """Return the sum of two counts of the same kind."""
    if isinstance(one, WorkerCounts) and isinstance(other, WorkerCounts):
        return add_worker_counts(one, other)
    if isinstance(one, Counts) and isinstance(other, Counts):
        return add_counts(one, other)
    raise TypeError("a worker's counts and a router's counts cannot be added")


def add_worker_counts(one: WorkerCounts, other: WorkerCounts) -> WorkerCounts:
    """Return the sum of both; keep as many recent errors as the one with more of them has, or the default."""
    recent_errors = sorted((*one.recent_errors, *other.recent_errors), key=attrgetter("at"), reverse=True)
    return WorkerCounts(
        tickets=one.tickets + other.tickets,
        local_tickets=one.local_tickets + other.local_tickets,
        late_tickets=one.late_tickets + other.late_tickets,
        propagation=add_buckets(one.propagation, other.propagation),
        propagation_seconds=one.propagation_seconds + other.propagation_seconds,
        dropped_lines=one.dropped_lines + other.dropped_lines,
        dropped_spans=one.dropped_spans + other.dropped_spans,
        copies_sent=one.copies_sent + other.copies_sent,
        copies_failed=one.copies_failed + other.copies_failed,
        copies_dropped=one.copies_dropped + other.copies_dropped,
        recent_errors=tuple(
            recent_errors[: max(DEFAULT_RECENT_ERRORS, len(one.recent_errors), len(other.recent_errors))]
        ),
        handshake_failures={
            name: _add_numbers(one.handshake_failures.get(name, {}), other.handshake_failures.get(name, {}))
            for name in (*one.handshake_failures, *other.handshake_failures)
        },
        udp_sessions=one.udp_sessions + other.udp_sessions,
        udp_refused_sessions=one.udp_refused_sessions + other.udp_refused_sessions,
        udp_dropped_datagrams=one.udp_dropped_datagrams + other.udp_dropped_datagrams,
    )


def add_counts(one: Counts, other: Counts) -> Counts:
    """Return the sum of both, with the service and the bounds of the first."""
    return Counts(
        service=one.service,
        statuses=_add_numbers(one.statuses, other.statuses),
        buckets=add_buckets(one.buckets, other.buckets),
        seconds=one.seconds + other.seconds,
        sent=one.sent + other.sent,
        retries=one.retries + other.retries,
        refusals=add_refusals((*one.refusals, *other.refusals)),
        cells=add_cells([*one.cells, *convert_cells(other.cells, other.bounds, one.bounds)]),
        bounds=one.bounds,
    )


def add_cells(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Merge the cells with equal labels; all have the same bounds."""
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
            cell.grpc_status,
        )
        before = sums.get(key)
        sums[key] = cell if before is None else _add_cell_pair(before, cell)
    return tuple(sums.values())


def add_refusals(refusals: Iterable[Refusals]) -> tuple[Refusals, ...]:
    """Merge the refusals with equal middleware, kind and reason."""
    sums: dict[tuple[str, str, str], int] = {}
    for each in refusals:
        key = (each.middleware, each.kind, each.reason)
        sums[key] = sums.get(key, 0) + each.count
    return tuple(Refusals(*key, count) for key, count in sums.items())


def add_buckets(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """Add buckets with the same bounds; an empty sequence counts as zeros."""
    if not one or not other:
        return tuple(one or other)
    return tuple(map(int.__add__, one, other))


def convert_cells(cells: Iterable[Cell], bounds: Sequence[float], new_bounds: Sequence[float]) -> list[Cell]:
    """Convert the buckets of cells from `bounds` to `new_bounds`."""
    if tuple(bounds) == tuple(new_bounds):
        return list(cells)
    return [replace(cell, buckets=rebucket(cell.buckets, bounds, new_bounds)) for cell in cells]


def rebucket(
    buckets: Sequence[int], bounds: Sequence[float], new_bounds: Sequence[float] = BOUNDS
) -> tuple[int, ...]:
    """Move each bucket's requests to the first new bucket whose upper bound is not lower."""
    if tuple(bounds) == tuple(new_bounds):
        return tuple(buckets)
    counts = [0] * (len(new_bounds) + 1)
    for number, count in enumerate(buckets):
        counts[bisect_left(new_bounds, bounds[number]) if number < len(bounds) else -1] += count
    return tuple(counts)


def _add_numbers(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    sums = dict(one)
    for name, count in other.items():
        sums[name] = sums.get(name, 0) + count
    return sums


def _add_cell_pair(one: Cell, other: Cell) -> Cell:
    return replace(
        one,
        buckets=add_buckets(one.buckets, other.buckets),
        seconds=one.seconds + other.seconds,
        sent=one.sent + other.sent,
        received=one.received + other.received,
        unmeasured=one.unmeasured + other.unmeasured,
    )
