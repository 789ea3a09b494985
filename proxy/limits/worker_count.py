"""Counts the workers that share limits, for the time when the store is out of reach."""

from __future__ import annotations

from collections.abc import Callable
from time import time

import gevent
import redis

from proxy.limits.installation_size import InstallationSize
from rondpoint.store.keys import Keys
from rondpoint.store.workers import read_workers
from rondpoint.ticks import seconds_to_tick

INTERVAL = 5.0


class WorkerCount:
    """Keeps `size` current while `wanted` returns true; without the store, the last numbers stay."""

    def __init__(
        self, client: redis.Redis, keys: Keys, size: InstallationSize, wanted: Callable[[], bool]
    ) -> None:
        self._client = client
        self._keys = keys
        self._size = size
        self._wanted = wanted
        self._last = (1, 1)

    def run(self) -> None:
        """Count until killed."""
        while True:
            if self._wanted():
                self.count()
            gevent.sleep(seconds_to_tick(INTERVAL))

    def count(self) -> None:
        """Count the workers of all instances; fewer than before count only if a second look confirms it.

        After the store was emptied or stood still, workers are missing there until they report again. The
        others must not take the parts of those meanwhile.
        """
        try:
            workers = read_workers(self._client, self._keys)
        except (redis.RedisError, OSError):
            # The watcher logs that the store is down.
            return
        now = time()
        living = [worker.instance for worker in workers.values() if worker.alive(now)]
        found = (len(living), len(set(living)))
        self._size.workers, self._size.instances = map(max, found, self._last)
        self._last = (max(1, found[0]), max(1, found[1]))
