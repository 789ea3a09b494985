"""From what the store holds now and a second ago to what was counted in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from proxy.admin.live.request_rates import Vector, minus, of_cells, of_counts, of_server, plus, upwards
from rondpoint.store.metrics import INTERNAL, OWN, Cell, Counts, decode_field, is_router
from rondpoint.store.server_metrics import decode_server, field_of

TOTAL = ""
"""The key of all requests; those of entry points, routers, services and servers begin with what they are."""

ENTRY_POINT = "e:"
ROUTER = "r:"
SERVICE = "s:"
SERVER = "server:"

Hash = Mapping[bytes, bytes]

Shares = Callable[[bytes, bytes], Iterator[tuple[str, Vector]]]
"""What one field tells, under each key that it counts for; nothing where it cannot be read."""

SLICE = 50
"""Fields looked at without a pause."""


def server_key(service: str, url: str) -> str:
    """The key of a server of this service."""
    return SERVER + field_of(service, url)


def of_routers(field: bytes, value: bytes) -> Iterator[tuple[str, Vector]]:
    """The shares of a field of the counts by router."""
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


def of_servers(field: bytes, value: bytes) -> Iterator[tuple[str, Vector]]:
    """The shares of a field of the counts by server."""
    try:
        name = field.decode()
        yield SERVER + name, of_server(decode_server(name, value))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return


class Differences:
    """Compares each look at the hashes of all workers and instances with the one before.

    A field that reads as before is not decoded: what nobody asks for costs next to nothing.
    """

    def __init__(self, shares: Shares = of_routers) -> None:
        self._shares = shares
        self._before: Mapping[str, Hash] = {}

    def take(
        self, hashes: Mapping[str, Hash], yield_if_due: Callable[[], None], fresh: Collection[bytes] = ()
    ) -> dict[str, Vector]:
        """What was counted since the last look, by key; nothing at the first.

        A hash that is seen for the first time tells nothing yet: it may hold what was counted long ago. Nor
        does a `fresh` field, which was not looked at before.
        What is taken from one hash is put into another when a worker ends; the two make up for each other.
        """
        found: dict[str, Vector] = {}
        for name, fields in hashes.items():
            before = self._before.get(name)
            if before is not None:
                self._compare(before, fields, fresh, found, yield_if_due)
        for name, before in self._before.items():
            if name not in hashes:
                self._compare(before, {}, fresh, found, yield_if_due)
        self._before = dict(hashes)
        return {key: risen for key, vector in found.items() if any(risen := upwards(vector))}

    def _compare(
        self,
        before: Hash,
        after: Hash,
        fresh: Collection[bytes],
        found: dict[str, Vector],
        yield_if_due: Callable[[], None],
    ) -> None:
        for number, (field, value) in enumerate(after.items()):
            if not number % SLICE:
                yield_if_due()
            old = before.get(field)
            if old == value or field in fresh:
                continue
            for key, vector in self._shares(field, value):
                found[key] = plus(found[key], vector) if key in found else vector
            if old is not None:
                self._take_away(found, field, old)
        for field, old in before.items():
            if field not in after:
                self._take_away(found, field, old)

    def _take_away(self, found: dict[str, Vector], field: bytes, value: bytes) -> None:
        for key, vector in self._shares(field, value):
            found[key] = minus(found[key], vector) if key in found else minus((0,) * len(vector), vector)
