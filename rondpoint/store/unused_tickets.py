"""Counts of tickets whose service is gone for good: found some at a time, and removed."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import redis

from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.keys import Keys
from rondpoint.store.scripts import load_script

RETENTION = 600.0
"""Seconds for which a count outlives its service: one that is back sooner goes on where it was."""

BATCH = 500
"""Fields looked at each time, about."""


class UnusedTickets:
    """Goes on where it stopped the time before; the time of a service begins when it is first missed here."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._script = load_script(client, "unused_tickets.lua")
        self._cursor = 0
        self._missed: dict[bytes, float] = {}
        self._met: set[bytes] = set()

    def sweep(self, lease: str, services: Container[str], now: float) -> None:
        """Look at the next counts, and remove those of services that were missed for KEPT seconds.

        `services` are those that the holder of `lease` has published. A service that another one has
        published meanwhile keeps its count: that is looked at in the step that removes. `now` is monotonic.
        Raises redis.RedisError.
        """
        try:
            self._sweep(lease, services, now)
        except redis.ResponseError as error:
            # Proxies drop what holds no counts, and publishers what holds no services.
            if not is_wrong_type(error):
                raise

    def _sweep(self, lease: str, services: Container[str], now: float) -> None:
        answer: Any = self._client.hscan(self._keys.tickets, self._cursor, count=BATCH)
        self._cursor, counts = answer
        due = []
        for name in counts:
            if name.decode(errors="replace") in services:
                continue
            self._met.add(name)
            if now - self._missed.setdefault(name, now) >= RETENTION:
                due.append(name)
        if due and self._removed(lease, due):
            self._met.difference_update(due)
        if not self._cursor:
            # Those that were not met all through are back, or have no count any more.
            self._missed = {name: since for name, since in self._missed.items() if name in self._met}
            self._met = set()

    def _removed(self, lease: str, names: list[bytes]) -> bool:
        keys = [self._keys.leader, self._keys.services, self._keys.tickets]
        return bool(self._script(keys=keys, args=[lease, *names]))
