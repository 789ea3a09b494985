"""The lease to write, held by one agent at a time.

A lease ends by the store's clock unless it is renewed; agents' own clocks do not matter. Each new holder gets
a higher token, and every script that writes compares the lease (token and holder) with the stored one. So an
agent that was paused, and does not know that its lease has ended, writes nothing.
"""

from __future__ import annotations

from typing import Any

import redis

from rondpoint.store.scripts import load_script

TERM = 3.0
"""Seconds that a lease lasts."""

RENEWAL = 1.0
"""Seconds after which the holder renews the lease, and the longest time between other agents' attempts."""

_MARGIN = 0.005


class Lease:
    """One agent's claim to the lease `key`; `holder` is a name that is unique for all time.

    `held` is the stored lease, or empty while another agent or none holds it. `other` is the other holder
    that the last call of `hold` found. Both methods raise redis.RedisError, and then change nothing.
    """

    def __init__(self, client: redis.Redis, key: str, fence: str, wakeups: str, holder: str) -> None:
        self._keys = [key, fence]
        self._wakeups = wakeups
        self._holder = holder
        self._hold = load_script(client, "lease.lua")
        self._release = load_script(client, "release.lua")
        self.held = ""
        self.other = ""

    def hold(self) -> float:
        """Renew the lease, or take it if it is free. Return the seconds to wait until the next attempt."""
        arguments: list[str | int] = [self._holder, self.held, int(TERM * 1000)]
        reply: Any = self._hold(keys=self._keys, args=arguments)
        held, other, left = reply
        self.held, self.other = held.decode(), other.decode(errors="replace").partition(" ")[2]
        return RENEWAL if self.held else min(RENEWAL, left / 1000 + _MARGIN)

    def release(self) -> None:
        """Release the lease if this agent holds it, and wake up the other agents in either case."""
        held, self.held = self.held, ""
        self._release(keys=self._keys[:1], args=[held, self._wakeups])
