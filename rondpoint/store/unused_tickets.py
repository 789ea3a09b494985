"""Removes the ticket counts of services that were removed; checks some of them each time."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import redis

from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.keys import Keys
from rondpoint.store.scripts import load_script

RETENTION = 600.0
"""Seconds that a count outlives its service; if the service returns sooner, its count continues."""

BATCH = 500
"""Fields checked each time, approximately."""

PAUSE = 10.0
"""Seconds between the end of one scan and the begin of the next."""


class UnusedTickets:
    """A scan of the ticket counts that continues where it stopped the time before.

    The RETENTION of a count begins when the scan first finds its service missing.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._script = load_script(client, "unused_tickets.lua")
        self._cursor = 0
        self._due = -PAUSE
        self._missing_since: dict[bytes, float] = {}
        self._found_missing: set[bytes] = set()

    def remove_expired(self, lease: str, services: Container[str], now: float) -> None:
        """Check the next counts, and remove those of services that were missing for RETENTION seconds.

        `services` are the fields of those that the holder of `lease` has published. The script that removes
        checks the stored services again, so a service that another agent has published meanwhile keeps its
        count. `now` is monotonic. Raises redis.RedisError.
        """
        if now < self._due:
            return
        try:
            self._scan(lease, services, now)
        except redis.ResponseError as error:
            # Proxies drop a ticket key of another type, and publishers drop a service key of another type.
            if not is_wrong_type(error):
                raise

    def _scan(self, lease: str, services: Container[str], now: float) -> None:
        reply: Any = self._client.hscan(self._keys.tickets, self._cursor, count=BATCH)
        self._cursor, counts = reply
        due = []
        for name in counts:
            if name.decode(errors="replace") in services:
                continue
            self._found_missing.add(name)
            if now - self._missing_since.setdefault(name, now) >= RETENTION:
                due.append(name)
        if due and self._remove(lease, due):
            self._found_missing.difference_update(due)
        if not self._cursor:
            self._due = now + PAUSE
            # A service that the whole scan did not find missing is published again or has no count any more.
            self._missing_since = {
                name: since for name, since in self._missing_since.items() if name in self._found_missing
            }
            self._found_missing = set()

    def _remove(self, lease: str, names: list[bytes]) -> bool:
        own = self._keys
        keys = [own.leader, own.services, own.tcp_services, own.udp_services, own.tickets]
        return bool(self._script(keys=keys, args=[lease, *names]))
