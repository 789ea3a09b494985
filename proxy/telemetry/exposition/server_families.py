"""The metric families of servers, with sums over all workers."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from prometheus_client.samples import Sample

from proxy.telemetry.exposition.catalogue import ServerLevel
from proxy.telemetry.exposition.families import Common, Families, Values, histogram, samples
from proxy.telemetry.exposition.store_snapshot import Fields
from proxy.telemetry.exposition.totals import SLICE
from rondpoint.store.metric_sums import rebucket
from rondpoint.store.server_metrics import ServerCounts, parse_server_field
from rondpoint.store.server_metrics import add_servers as add_counts

ServerTotals = Mapping[str, ServerCounts]
"""Counts by field (service and server)."""


def server_totals(
    hashes: Iterable[Fields[ServerCounts]], known: Container[str], yield_if_due: Callable[[], None]
) -> ServerTotals:
    """Add up the counts of all hashes, for servers in the current configuration (`known`)."""
    totals: dict[str, ServerCounts] = {}
    for fields in hashes:
        for number, (field, counts) in enumerate(fields.items()):
            if not number % SLICE:
                yield_if_due()
            if field in known:
                before = totals.get(field)
                totals[field] = counts if before is None else add_counts(before, counts)
    return totals


def add_servers(
    families: Families,
    level: ServerLevel,
    groups: list[tuple[ServerTotals, Common]],
    bounds: tuple[float, ...],
) -> None:
    """Add the families of servers."""
    by_code = ((_by_code(totals), common) for totals, common in groups)
    families.add(level.requests, samples(level.requests, by_code))
    families.add(level.duration, _durations(level, groups, bounds))
    failures = ((_failures(totals), common) for totals, common in groups)
    families.add(level.failures, samples(level.failures, failures))


def _by_code(totals: ServerTotals) -> Values:
    return (
        ((*parse_server_field(field), str(code)), count)
        for field, counts in totals.items()
        for code, count in counts.codes.items()
    )


def _failures(totals: ServerTotals) -> Values:
    return ((parse_server_field(field), counts.failures) for field, counts in totals.items())


def _durations(
    level: ServerLevel, groups: Iterable[tuple[ServerTotals, Common]], bounds: tuple[float, ...]
) -> Iterator[Sample]:
    for totals, common in groups:
        for field, counts in totals.items():
            if any(counts.buckets):
                labels = {
                    **dict(zip(level.duration.labels, parse_server_field(field), strict=True)),
                    **common,
                }
                buckets = rebucket(counts.buckets, counts.bounds, bounds)
                yield from histogram(level.duration, buckets, bounds, counts.seconds, labels)
