"""The slots of one in-flight limit and source, as one worker sees them."""

from __future__ import annotations

from typing import Any

from proxy.limits.in_flight_counts import Cells


class Waiter:
    """A request that waits for a slot: its greenlet, since when it waits, and whether it has got one.

    `gone` says that the greenlet waits no more, because it was killed.
    """

    __slots__ = ("admitted", "gone", "greenlet", "since")

    def __init__(self, greenlet: Any, since: float) -> None:
        self.greenlet = greenlet
        self.since = since
        self.admitted = self.gone = False


class SlotPool:
    """Leased slots, of which `used` are taken by requests of this worker.

    `leased` is their number as far as this worker may use them. `listed` says that the store may know of
    slots of this worker. `keep` is the number of unused slots that the worker may keep after a request has
    ended. `peak` is the most requests at a time since the last call, and `taken` says that one has come since
    then. `full` says that the last call left requests without a slot. `queued` says that the pool is in the
    queue for the next call, and `held` that it is searched for unused slots soon.
    """

    __slots__ = (
        "cells",
        "full",
        "held",
        "id",
        "keep",
        "key",
        "leased",
        "limit",
        "listed",
        "peak",
        "queued",
        "taken",
        "used",
        "waiting",
    )

    def __init__(self, key: str, pool_id: str, cells: Cells) -> None:
        self.key = key
        self.id = pool_id
        self.cells = cells
        self.limit = self.used = self.leased = self.keep = self.peak = 0
        self.full = self.held = self.listed = self.queued = self.taken = False
        self.waiting: list[Waiter] = []

    def wanted(self, waiting: int) -> int:
        """Return how many unused slots to lease beside those for `waiting` requests.

        With them, as many requests as lately, and a quarter more, need no call.
        """
        if not self.taken:
            return 0
        return max(0, self.peak + self.peak // 4 + 1 - self.used - waiting)
