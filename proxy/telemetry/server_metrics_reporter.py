"""Writes a worker's server metrics to the store, for `metrics_reporter.py`."""

from __future__ import annotations

from collections.abc import Collection, Container
from itertools import islice

import redis

from proxy.telemetry.server_tallies import ServerTallies
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import write_fields

BATCH = 200
"""Fields written at once; requests are served between two batches."""

MAX_SERVERS = 1_000
"""Servers examined in one round; the next round continues after them."""


class ServerMetricsReporter:
    """Writes the changed tallies of servers, and drops those of removed servers."""

    def __init__(self, client: redis.Redis, keys: Keys, tallies: ServerTallies, worker: str) -> None:
        self._client = client
        self._key = keys.server_metrics(worker)
        self._tallies = tallies
        self._next = 0
        self._removed: set[str] = set()

    def restart(self) -> None:
        """Begin the next round with the first server."""
        self._next = 0

    def report(self, known: Container[str]) -> bool:
        """Write the next round of servers; return whether it reached the last one. Raises redis.RedisError.

        `known` holds the fields of the servers in the current configuration.
        """
        tallies = self._tallies.all
        examined = list(islice(tallies, self._next, self._next + MAX_SERVERS))
        removed = [field for field in examined if field not in known]
        for field in removed:
            del tallies[field]
        self._removed.update(removed)
        self._next += len(examined) - len(removed)
        done = self._next >= len(tallies)
        if done:
            self._next = 0
        changed = [field for field in examined if field in tallies and tallies[field].changed]
        if self._removed and not changed:
            self._write(())
        for start in range(0, len(changed), BATCH):
            self._write(changed[start : start + BATCH])
        return done

    def all_changed(self) -> None:
        """Mark every tally as changed, so that all are written again."""
        for tally in self._tallies.all.values():
            tally.mark(changed=True)

    def _write(self, fields: Collection[str]) -> None:
        tallies = self._tallies.all
        # A removed server may be back.
        self._removed.difference_update(tallies)
        written = [tallies[field] for field in fields]
        for tally in written:
            # Reset it before the write: requests may be counted while the write waits.
            tally.mark(changed=False)
        counts = {field: tallies[field].counts() for field in fields}
        try:
            whole = write_fields(self._client, self._key, counts, self._removed)
        except BaseException:
            # A leaving worker interrupts this write and writes the counts again in `finish`.
            for tally in written:
                tally.mark(changed=True)
            raise
        self._removed.clear()
        if not whole:
            # The store has lost the earlier counts.
            self.all_changed()
