"""Tells the store once a second what this worker has counted; nothing of the data path waits for it."""

from __future__ import annotations

from collections.abc import Callable, Collection

import gevent
import redis

from proxy.telemetry.tallies import Tallies, Tally
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import write_counts

INTERVAL = 1.0

BATCH = 200
"""Routers told in one go, between which requests get their turn."""

MOST = 1_000
"""Routers looked at in one round; where there are more, they take turns."""


class Reporter:
    """`routers` gives the names in force; the tallies of others are dropped."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        worker: str,
        tallies: Tallies,
        routers: Callable[[], Collection[str]],
    ) -> None:
        self._client = client
        self._keys = keys
        self._worker = worker
        self._tallies = tallies
        self._routers = routers
        self._told: dict[str, int] = {}
        self._gone: set[str] = set()
        self._next = 0

    def run(self) -> None:
        """Report until killed; a store that does not answer is told everything later."""
        while True:
            gevent.sleep(INTERVAL)
            try:
                self.report()
            except (redis.RedisError, OSError):
                # The watcher has complained of it.
                self._told.clear()

    def report(self) -> None:
        """Write what has changed. Raises redis.RedisError."""
        tallies = self._tallies.all()
        if self._next >= len(tallies):
            self._next = 0
        if not self._next:
            self._gone.update(self._tallies.forget_all_but(self._routers()))
            tallies = self._tallies.all()
        told = self._told
        changed: list[Tally] = []
        for tally in tallies[self._next : self._next + MOST]:
            self._gone.discard(tally.router)
            if told.get(tally.router, 0) != tally.requests:
                changed.append(tally)
        self._next += MOST
        # At least one part: it renews the expiry.
        for start in range(0, len(changed) or 1, BATCH):
            self._write(changed[start : start + BATCH])

    def _write(self, part: list[Tally]) -> None:
        counts = {tally.router: tally.counts() for tally in part}
        requests = {tally.router: tally.requests for tally in part}
        if not write_counts(self._client, self._keys, self._worker, counts, self._gone):
            # The store has lost what it was told.
            self._told.clear()
            return
        for name in self._gone:
            self._told.pop(name, None)
        self._gone.clear()
        self._told.update(requests)
