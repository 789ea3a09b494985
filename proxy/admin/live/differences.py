"""From what the store holds now and a second ago to what was counted in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from proxy.admin.live.flows import Vector, minus, of_cells, of_counts, plus, upwards
from rondpoint.store.metrics import INTERNAL, OWN, Cell, Counts, decode_field, is_router

TOTAL = ""
"""The key of all requests; those of entry points, routers and services begin with their letter."""

ENTRY_POINT = "e:"
ROUTER = "r:"
SERVICE = "s:"

Hash = Mapping[bytes, bytes]

SLICE = 50
"""Fields looked at without a pause."""


class Differences:
    """Compares each look at the hashes of all workers and instances with the one before.

    A field that reads as before is not decoded: what nobody asks for costs next to nothing.
    """

    def __init__(self) -> None:
        self._before: Mapping[str, Hash] = {}

    def take(self, hashes: Mapping[str, Hash], breathe: Callable[[], None]) -> dict[str, Vector]:
        """What was counted since the last look, by key; nothing at the first.

        A hash that is seen for the first time tells nothing yet: it may hold what was counted long ago.
        What is taken from one hash is put into another when a worker ends; the two make up for each other.
        """
        found: dict[str, Vector] = {}
        for name, fields in hashes.items():
            before = self._before.get(name)
            if before is not None:
                self._compare(before, fields, found, breathe)
        for name, before in self._before.items():
            if name not in hashes:
                self._compare(before, {}, found, breathe)
        self._before = dict(hashes)
        return {key: risen for key, vector in found.items() if any(risen := upwards(vector))}

    def _compare(
        self, before: Hash, after: Hash, found: dict[str, Vector], breathe: Callable[[], None]
    ) -> None:
        for number, (field, value) in enumerate(after.items()):
            if not number % SLICE:
                breathe()
            old = before.get(field)
            if old == value:
                continue
            for key, vector in _shares(field, value):
                found[key] = plus(found[key], vector) if key in found else vector
            if old is not None:
                _take_away(found, field, old)
        for field, old in before.items():
            if field not in after:
                _take_away(found, field, old)


def _take_away(found: dict[str, Vector], field: bytes, value: bytes) -> None:
    for key, vector in _shares(field, value):
        found[key] = minus(found[key], vector) if key in found else minus((0,) * len(vector), vector)


def _shares(field: bytes, value: bytes) -> Iterator[tuple[str, Vector]]:
    """What one field tells, under each key that it counts for; nothing where it cannot be read."""
    try:
        name = field.decode()
        counts = None if name == OWN or name.endswith(INTERNAL) else decode_field(name, value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    if not isinstance(counts, Counts):
        return
    whole = of_counts(counts)
    yield TOTAL, whole
    if is_router(name):
        # Requests that no router took have the empty name.
        yield ROUTER + name, whole
    by_entry_point: dict[str, list[Cell]] = {}
    for cell in counts.cells:
        by_entry_point.setdefault(cell.entry_point, []).append(cell)
    for entry_point, cells in by_entry_point.items():
        if entry_point:
            one = len(by_entry_point) == 1
            yield ENTRY_POINT + entry_point, whole if one else of_cells(cells, counts.bounds)
    if counts.service:
        arrived = [cell for cell in counts.cells if not cell.stopped]
        all_of_them = len(arrived) == len(counts.cells)
        yield SERVICE + counts.service, whole if all_of_them else of_cells(arrived, counts.bounds)
