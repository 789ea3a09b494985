"""Counts the workers that share rate limits, for the time when the store is out of reach."""

from __future__ import annotations

from time import time

import gevent
import redis

from proxy.limits.rate_limits import RateLimits
from rondpoint.store.keys import Keys
from rondpoint.store.workers import read_workers

INTERVAL = 5.0


class WorkerCount:
    """Keeps `limits.workers` current while any limit is in use; without the store, the last number stays."""

    def __init__(self, client: redis.Redis, keys: Keys, limits: RateLimits) -> None:
        self._client = client
        self._keys = keys
        self._limits = limits

    def run(self) -> None:
        """Count until killed."""
        while True:
            if len(self._limits):
                self.count()
            gevent.sleep(INTERVAL)

    def count(self) -> None:
        """Count the workers of all instances."""
        try:
            workers = read_workers(self._client, self._keys)
        except (redis.RedisError, OSError):
            # The watcher logs that the store is down.
            return
        now = time()
        self._limits.workers = max(1, sum(worker.alive(now) for worker in workers.values()))
