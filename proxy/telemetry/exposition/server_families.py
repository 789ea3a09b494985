"""What is told of servers: sums over workers, and the families that show them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from prometheus_client.samples import Sample

from proxy.telemetry.exposition.catalogue import ServerLevel
from proxy.telemetry.exposition.families import Common, Families, histogram, samples
from proxy.telemetry.exposition.totals import SLICE, Labels
from rondpoint.store.metric_sums import rebucketed
from rondpoint.store.server_metrics import ServerCounts, add_servers, server_of

ServerTotals = Mapping[str, ServerCounts]
"""By field."""


def server_totals(
    hashes: Iterable[Mapping[str, ServerCounts]], in_force: Container[str], yield_if_due: Callable[[], None]
) -> ServerTotals:
    """What all given hashes tell together, of the servers there are."""
    totals: dict[str, ServerCounts] = {}
    for fields in hashes:
        for number, (field, counts) in enumerate(fields.items()):
            if not number % SLICE:
                yield_if_due()
            if field in in_force:
                before = totals.get(field)
                totals[field] = counts if before is None else add_servers(before, counts)
    return totals


def put_servers(
    families: Families,
    level: ServerLevel,
    told: list[tuple[ServerTotals, Common]],
    bounds: tuple[float, ...],
) -> None:
    """Add the families of servers."""
    by_code = ((_by_code(totals), common) for totals, common in told)
    families.put(level.requests, samples(level.requests, by_code))
    families.put(level.duration, _durations(level, told, bounds))
    failures = ((_failures(totals), common) for totals, common in told)
    families.put(level.failures, samples(level.failures, failures))


def _by_code(totals: ServerTotals) -> dict[Labels, float]:
    return {
        (*server_of(field), str(code)): count
        for field, counts in totals.items()
        for code, count in counts.codes.items()
    }


def _failures(totals: ServerTotals) -> dict[Labels, float]:
    return {server_of(field): counts.failures for field, counts in totals.items()}


def _durations(
    level: ServerLevel, told: Iterable[tuple[ServerTotals, Common]], bounds: tuple[float, ...]
) -> Iterator[Sample]:
    for totals, common in told:
        for field, counts in totals.items():
            if any(counts.buckets):
                labels = {**dict(zip(level.duration.labels, server_of(field), strict=True)), **common}
                buckets = rebucketed(counts.buckets, counts.bounds, bounds)
                yield from histogram(level.duration, buckets, bounds, counts.seconds, labels)
