"""Rates of the servers that are visible on open dashboards; the counts of other servers are not read.

An installation can have thousands of servers; a page shows a few dozen. Each server is followed from the
moment when it becomes visible, so its rate is correct from then on.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from proxy.admin.live.counter_deltas import SERVER, CounterDeltas, Hash, server_shares
from proxy.admin.live.request_rates import ZERO, Vector, add_vectors, request_count, subtract_vectors
from rondpoint.store.keys import Keys
from rondpoint.store.transaction import Command

KEEP_SECONDS = 10.0
"""Seconds for which a server that is no longer visible is still followed, because a browser reconnects for
each page."""


class WatchedServers:
    """Follows servers by their store fields while they are watched, and KEEP_SECONDS longer."""

    def __init__(self) -> None:
        self._watch_counts: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """Forget all counts."""
        self._deltas = CounterDeltas(server_shares)
        self._last_watched: dict[str, float] = {}
        self._totals: dict[str, deque[tuple[float, Vector]]] = {}
        self._requested: tuple[str, ...] = ()

    @contextmanager
    def watch(self, fields: Iterable[str]) -> Iterator[None]:
        """Follow the servers with these store fields while the context is open."""
        watched = tuple(fields)
        self._watch_counts.update(watched)
        try:
            yield
        finally:
            self._watch_counts.subtract(watched)
            # Remove entries whose count is 0.
            self._watch_counts = +self._watch_counts

    def commands(self, keys: Keys, names: Iterable[str], now: float) -> list[Command]:
        """Return the commands that read the servers' counts of these workers and instances.

        `now` is in monotonic seconds.
        """
        self._last_watched.update((field, now) for field in self._watch_counts)
        for field in [field for field, at in self._last_watched.items() if now - at > KEEP_SECONDS]:
            del self._last_watched[field]
            self._totals.pop(field, None)
        self._requested = tuple(self._last_watched)
        if not self._requested:
            return []
        return [("HMGET", keys.server_metrics(name), *self._requested) for name in names]

    def read_replies(
        self,
        names: Sequence[str],
        replies: Sequence[Any],
        now: float,
        length: float,
        yield_if_due: Callable[[], None],
    ) -> dict[str, tuple[Vector, float]]:
        """Return by key the counts of the last `length` seconds, and the seconds that they really cover.

        Servers without requests are left out.
        """
        hashes = {name: self._hash(reply) for name, reply in zip(names, replies, strict=False)}
        fresh = {field.encode() for field in self._requested if field not in self._totals}
        counted = self._deltas.compare(hashes, yield_if_due, fresh)
        found: dict[str, tuple[Vector, float]] = {}
        for field in self._requested:
            key = SERVER + field
            since, sums = self._add(field, now, counted.get(key), length)
            if request_count(sums):
                found[key] = (sums, now - since)
        return found

    def _add(self, field: str, now: float, counted: Vector | None, length: float) -> tuple[float, Vector]:
        seen = self._totals.get(field)
        if seen is None:
            seen = self._totals[field] = deque([(now, ZERO)])
            return now, ZERO
        total = seen[-1][1]
        seen.append((now, total if counted is None else add_vectors(total, counted)))
        while len(seen) > 2 and seen[1][0] <= now - length:
            seen.popleft()
        since, first = seen[0]
        return since, subtract_vectors(seen[-1][1], first)

    def _hash(self, reply: Any) -> Hash:
        """Return the existing fields of a reply; empty for an error reply."""
        if isinstance(reply, Exception):
            return {}
        fields: Mapping[str, bytes | None] = dict(zip(self._requested, reply, strict=True))
        return {field.encode(): value for field, value in fields.items() if value is not None}
