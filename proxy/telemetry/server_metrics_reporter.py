"""The part of a worker's report that is about servers."""

from __future__ import annotations

from collections.abc import Collection, Container
from itertools import islice

import redis

from proxy.telemetry.server_tallies import ServerTallies
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import write_fields

BATCH = 200
"""Fields told in one go, between which requests get their turn."""

MOST = 1_000
"""Servers looked at in one round; where there are more, they take turns."""


class ServerReporter:
    """Writes what has changed of `tallies`, and drops those of servers that have left."""

    def __init__(self, client: redis.Redis, keys: Keys, tallies: ServerTallies, worker: str) -> None:
        self._client = client
        self._key = keys.server_metrics(worker)
        self._tallies = tallies
        self._next = 0
        self._gone: set[str] = set()

    def begin(self) -> None:
        """Begin with the first one."""
        self._next = 0

    def report(self, known: Container[str]) -> bool:
        """Tell of the next ones; whether the last one is among them. Raises redis.RedisError.

        `known` are the fields of the servers in force.
        """
        tallies = self._tallies.all
        looked_at = list(islice(tallies, self._next, self._next + MOST))
        gone = [field for field in looked_at if field not in known]
        for field in gone:
            del tallies[field]
        self._gone.update(gone)
        self._next += len(looked_at) - len(gone)
        done = self._next >= len(tallies)
        if done:
            self._next = 0
        changed = [field for field in looked_at if field in tallies and tallies[field].changed]
        # The first batch also when there is nothing to tell: it renews the expiry.
        for start in range(0, max(len(changed), 1), BATCH):
            self._write(changed[start : start + BATCH])
        return done

    def all_changed(self) -> None:
        """Have everything told again."""
        for tally in self._tallies.all.values():
            tally.mark(changed=True)

    def _write(self, fields: Collection[str]) -> None:
        tallies = self._tallies.all
        # Some may have come back.
        self._gone.difference_update(tallies)
        told = [tallies[field] for field in fields]
        for tally in told:
            # Before anything is waited for, in which more may be counted.
            tally.mark(changed=False)
        counts = {field: tallies[field].counts() for field in fields}
        try:
            whole = write_fields(self._client, self._key, counts, self._gone)
        except BaseException:
            # A worker that leaves breaks this off, and tells it again.
            for tally in told:
                tally.mark(changed=True)
            raise
        self._gone.clear()
        if not whole:
            # The store has lost what it was told.
            self.all_changed()
