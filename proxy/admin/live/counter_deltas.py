"""Compares the counts in the store with the previous read, and returns the increase."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from proxy.admin.live.request_rates import (
    Vector,
    add_vectors,
    cells_vector,
    refusals_vector,
    router_vector,
    server_vector,
    subtract_vectors,
    without_decreases,
)
from rondpoint.store.metrics import INTERNAL, WORKER_FIELD, Cell, Counts, decode_field, is_router
from rondpoint.store.server_metrics import decode_server, server_field

TOTAL = ""
"""The key of all requests; the other keys begin with one of the following prefixes."""

ENTRY_POINT = "e:"
ROUTER = "r:"
SERVICE = "s:"
MIDDLEWARE = "m:"
"""Of requests that a middleware refused, whatever the status."""

SERVER = "server:"

Hash = Mapping[bytes, bytes]

Shares = Callable[[bytes, bytes], Iterator[tuple[str, Vector]]]
"""Yields the counts of one field, by each key that they count for; nothing if the field is unreadable."""

FIELDS_PER_YIELD = 50
"""Fields compared between two yields."""


def server_key(service: str, url: str) -> str:
    """Return the key of a server of this service."""
    return SERVER + server_field(service, url)


def router_shares(field: bytes, value: bytes) -> Iterator[tuple[str, Vector]]:
    """Yield the counts of one field of the router metrics, by key."""
    try:
        name = field.decode()
        counts = None if name == WORKER_FIELD or name.endswith(INTERNAL) else decode_field(name, value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    if not isinstance(counts, Counts):
        return
    whole = router_vector(counts)
    yield TOTAL, whole
    if is_router(name):
        # Requests that matched no router have an empty router name.
        yield ROUTER + name, whole
    for each in counts.refusals:
        yield MIDDLEWARE + each.middleware, refusals_vector(each.count)
    by_entry_point: dict[str, list[Cell]] = {}
    for cell in counts.cells:
        by_entry_point.setdefault(cell.entry_point, []).append(cell)
    for entry_point, cells in by_entry_point.items():
        if entry_point:
            one = len(by_entry_point) == 1
            yield ENTRY_POINT + entry_point, whole if one else cells_vector(cells, counts.bounds)
    if counts.service:
        arrived = [cell for cell in counts.cells if not cell.stopped]
        all_of_them = len(arrived) == len(counts.cells)
        yield SERVICE + counts.service, whole if all_of_them else cells_vector(arrived, counts.bounds)


def server_shares(field: bytes, value: bytes) -> Iterator[tuple[str, Vector]]:
    """Yield the counts of one field of the server metrics, by key."""
    try:
        name = field.decode()
        yield SERVER + name, server_vector(decode_server(name, value))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return


class CounterDeltas:
    """Compares each read of the hashes of all workers and instances with the previous one.

    Unchanged fields are not decoded, so idle routers and servers cost almost nothing.
    """

    def __init__(self, shares: Shares = router_shares) -> None:
        self._shares = shares
        self._before: Mapping[str, Hash] = {}

    def compare(
        self, hashes: Mapping[str, Hash], yield_if_due: Callable[[], None], fresh: Collection[bytes] = ()
    ) -> dict[str, Vector]:
        """Return the increase since the previous read, by key; empty at the first read.

        A hash that appears for the first time is ignored once, because it may hold old counts; so is a field
        in `fresh`, which was not read before. When a worker ends, its counts move to its instance's hash; the
        decrease of one hash and the increase of the other cancel out.
        """
        found: dict[str, Vector] = {}
        for name, fields in hashes.items():
            before = self._before.get(name)
            if before is not None:
                self._compare_hash(before, fields, fresh, found, yield_if_due)
        for name, before in self._before.items():
            if name not in hashes:
                self._compare_hash(before, {}, fresh, found, yield_if_due)
        self._before = dict(hashes)
        return {key: risen for key, vector in found.items() if any(risen := without_decreases(vector))}

    def _compare_hash(
        self,
        before: Hash,
        after: Hash,
        fresh: Collection[bytes],
        found: dict[str, Vector],
        yield_if_due: Callable[[], None],
    ) -> None:
        for number, (field, value) in enumerate(after.items()):
            if not number % FIELDS_PER_YIELD:
                yield_if_due()
            old = before.get(field)
            if old == value or field in fresh:
                continue
            for key, vector in self._shares(field, value):
                found[key] = add_vectors(found[key], vector) if key in found else vector
            if old is not None:
                self._subtract(found, field, old)
        for field, old in before.items():
            if field not in after:
                self._subtract(found, field, old)

    def _subtract(self, found: dict[str, Vector], field: bytes, value: bytes) -> None:
        for key, vector in self._shares(field, value):
            found[key] = (
                subtract_vectors(found[key], vector)
                if key in found
                else subtract_vectors((0,) * len(vector), vector)
            )
