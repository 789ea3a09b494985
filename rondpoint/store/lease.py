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
        self._key = key
        self._fence = fence
        self._wakeups = wakeups
        self._holder = holder
        self._hold = load_script(client, "lease.lua")
        self._release = load_script(client, "release.lua")
        self.held = ""
        self.other = ""

    def hold(self) -> float:
        """Renew the lease, or take it if it is free. Return the seconds to wait until the next attempt."""
        return self.hold_before()

    def hold_before(self, *others: Lease) -> float:
        """Hold this lease and then, in one call of the store, `others` of the same holder in their order.

        A lease that another agent holds ends the call, so the leases after it stay as they are. Return the
        seconds to wait until the next attempt.
        """
        leases = (self, *others)
        arguments: list[str | int] = [self._holder, int(TERM * 1000), *(lease.held for lease in leases)]
        replies: Any = self._hold(keys=[*(lease._key for lease in leases), self._fence], args=arguments)
        pause = RENEWAL
        for lease, (held, other, left) in zip(leases, replies, strict=False):
            lease.held, lease.other = held.decode(), other.decode(errors="replace").partition(" ")[2]
            if not lease.held:
                pause = min(pause, left / 1000 + _MARGIN)
        return pause

    def release(self) -> None:
        """Release the lease if this agent holds it, and wake up the other agents in either case."""
        held, self.held = self.held, ""
        self._release(keys=[self._key], args=[held, self._wakeups])
