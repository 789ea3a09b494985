"""Measures the age of the current configuration, and the propagation time of changes."""

from __future__ import annotations

from bisect import bisect_left
from time import time

from rondpoint.store.metrics import BOUNDS


class Freshness:
    """Counters and times that the watcher updates; times in Unix seconds, 0 for never.

    `reloads` counts applied revisions, the last at `changed_at`. At `confirmed_at` the current revision was
    last seen to be the store's. `propagation` is a histogram of the time from publication (publisher's clock)
    until the change was applied (our clock): buckets parallel to BOUNDS, each for its own interval. `seconds`
    is the sum of these times.
    """

    def __init__(self) -> None:
        self.reloads = 0
        self.changed_at = 0.0
        self.confirmed_at = 0.0
        self.propagation = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def record_confirmation(self) -> None:
        """Record that the current revision is the store's."""
        self.confirmed_at = time()

    def record_change(self, published_at: float = 0.0) -> None:
        """Record that a new revision was applied; `published_at` is 0 if unknown."""
        now = self.changed_at = self.confirmed_at = time()
        self.reloads += 1
        if published_at:
            # Different clocks must not give a negative time.
            seconds = max(0.0, now - published_at)
            self.propagation[bisect_left(BOUNDS, seconds)] += 1
            self.seconds += seconds
