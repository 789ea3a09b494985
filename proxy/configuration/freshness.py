"""How old the configuration in force is, and how long changes took to come into force."""

from __future__ import annotations

from bisect import bisect_left
from time import time

from rondpoint.store.metrics import BOUNDS


class Freshness:
    """Told by the watcher; times in Unix seconds, 0 for never.

    `reloads` counts revisions put in force, the last at `changed_at`; at `confirmed_at` the one in force was
    the store's for the last time. `propagation` counts changes by the time from their publication, by the
    publisher's clock, until they were in force, by ours, each bucket beside BOUNDS for its own interval;
    `seconds` is the sum of these times.
    """

    def __init__(self) -> None:
        self.reloads = 0
        self.changed_at = 0.0
        self.confirmed_at = 0.0
        self.propagation = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def confirmed(self) -> None:
        """The revision in force is the store's."""
        self.confirmed_at = time()

    def changed(self, published_at: float = 0.0) -> None:
        """Another revision is in force now; `published_at` is 0 where nobody has told."""
        now = self.changed_at = self.confirmed_at = time()
        self.reloads += 1
        if published_at:
            # Clocks that differ must not give time back.
            seconds = max(0.0, now - published_at)
            self.propagation[bisect_left(BOUNDS, seconds)] += 1
            self.seconds += seconds
