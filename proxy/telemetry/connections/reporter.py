"""Writes a worker's counts of TCP connections and UDP sessions to the store, for `metrics_reporter.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rondpoint.store.metrics import write_fields

if TYPE_CHECKING:
    from collections.abc import Collection

    import redis

    from proxy.telemetry.connections.tallies import ConnectionTallies
    from rondpoint.store.connection_metrics import ActiveConnections, ConnectionKey
    from rondpoint.store.keys import Keys

BATCH = 200
"""Fields written at once; requests are served between two batches."""


class ConnectionReporter:
    """Writes the changed tallies, and drops those of removed routers and servers."""

    def __init__(self, client: redis.Redis, keys: Keys, tallies: ConnectionTallies, worker: str) -> None:
        self._client = client
        self._key = keys.connection_metrics(worker)
        self._tallies = tallies
        self._removed: set[ConnectionKey] = set()

    def report(self, active: ActiveConnections) -> None:
        """Write what has changed. Raises redis.RedisError."""
        tallies = self._tallies
        tallies.count_bytes()
        self._removed.update(tallies.keep_only(active))
        # A removed one may be back.
        self._removed.difference_update(tallies.all)
        changed = [key for key, tally in tallies.all.items() if tally.changed]
        if not changed and not self._removed:
            return
        # One write for both fields of each move, so that no reader misses the counts or counts them twice.
        moved = [key for key in changed if not key.router and not key.server]
        others = [key for key in changed if key.router or key.server]
        self._write([*moved, *others[:BATCH]])
        for start in range(BATCH, len(others), BATCH):
            self._write(others[start : start + BATCH])

    def all_changed(self) -> None:
        """Mark every tally as changed, so that all are written again."""
        for tally in self._tallies.all.values():
            tally.changed = True

    def _write(self, keys: Collection[ConnectionKey]) -> None:
        found = {key: tally for key in keys if (tally := self._tallies.all.get(key)) is not None}
        for tally in found.values():
            # Reset it before the write: connections may be counted while the write waits.
            tally.changed = False
        counts = {key.field: tally.counts() for key, tally in found.items()}
        removed, self._removed = self._removed, set()
        try:
            whole = write_fields(self._client, self._key, counts, [key.field for key in removed])
        except BaseException:
            # A leaving worker interrupts this write and writes the counts again in `finish`.
            self._removed |= removed
            for tally in found.values():
                tally.changed = True
            raise
        if not whole:
            # The store has lost the earlier counts.
            self.all_changed()
