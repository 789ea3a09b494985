"""The metric families of TCP connections and UDP sessions, with sums over all workers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from proxy.telemetry.exposition.connection_catalogue import LEVELS, ConnectionFamily, Level
from proxy.telemetry.exposition.families import Common, Families, Values, samples
from proxy.telemetry.exposition.totals import SLICE, Labels
from rondpoint.store.connection_metrics import (
    ActiveConnections,
    ConnectionCounts,
    ConnectionKey,
    Layer4,
    add_connections,
    parse_connection_field,
)

if TYPE_CHECKING:
    from proxy.telemetry.exposition.store_snapshot import Fields

ConnectionTotals = Mapping[tuple[Layer4, Level], Mapping[Labels, ConnectionCounts]]
"""Counts by the labels of each level."""


def connection_totals(
    hashes: Iterable[Fields[ConnectionCounts]], active: ActiveConnections, yield_if_due: Callable[[], None]
) -> ConnectionTotals:
    """Add up the counts of all hashes, for the routers, services and servers in the current configuration."""
    totals: dict[tuple[Layer4, Level], dict[Labels, ConnectionCounts]] = {level: {} for level in LEVELS}
    for fields in hashes:
        for number, (field, counts) in enumerate(fields.items()):
            if not number % SLICE:
                yield_if_due()
            key = parse_connection_field(field)
            for level, labels in _places(key, active):
                sums = totals[key.protocol, level]
                before = sums.get(labels)
                sums[labels] = counts if before is None else add_connections(before, counts)
    return totals


def add_connection_families(
    families: Families,
    levels: Collection[Level],
    groups: list[tuple[ConnectionTotals, Common]],
) -> None:
    """Add the families of these levels."""
    for place, of_level in LEVELS.items():
        if place[1] in levels:
            for family in of_level:
                shown = [(_values(family, totals[place]), common) for totals, common in groups]
                families.add(family.metric, samples(family.metric, shown))


def _places(key: ConnectionKey, active: ActiveConnections) -> Iterable[tuple[Level, Labels]]:
    """Return the levels at which a key counts, with its labels there."""
    is_active = active.successor(key) == key
    if key.server:
        return [("server", (key.service, key.server))] if is_active else []
    places: list[tuple[Level, Labels]] = []
    if key.router and is_active:
        places.append(("router", (key.router, key.service)))
    if active.has_service(key):
        places.append(("service", (key.service,)))
    return places


def _values(family: ConnectionFamily, sums: Mapping[Labels, ConnectionCounts]) -> Values:
    return (
        ((*labels, *further), value)
        for labels, counts in sums.items()
        for further, value in family.value(counts)
    )
