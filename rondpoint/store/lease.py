"""The right to write, held by one agent at a time.

It ends by the store's clock, unless renewed; agents' own clocks have no say. Each new holder gets a higher
token, and every script that writes compares the lease, token and holder, with the one in the store. So one
who was paused, and goes on without knowing that its time is over, writes nothing.
"""

from __future__ import annotations

from typing import Any

import redis

from rondpoint.store.scripts import script

TERM = 3.0
"""Seconds for which it is given."""

RENEWAL = 1.0
"""Seconds after which its holder renews it, and at the latest others look whether it is free."""

_MARGIN = 0.005


class Lease:
    """One agent's claim to the lease `key`; `holder` is a name that no other agent has, and none will have.

    `held` is the lease as it stands in the store, empty while it is not this agent's; `other` is who had it
    when that was last asked. Both methods raise redis.RedisError, which changes nothing.
    """

    def __init__(self, client: redis.Redis, key: str, fence: str, bell: str, holder: str) -> None:
        self._keys = [key, fence]
        self._bell = bell
        self._holder = holder
        self._hold = script(client, "lease.lua")
        self._release = script(client, "release.lua")
        self.held = ""
        self.other = ""

    def hold(self) -> float:
        """Renew it, or take it if it is free. Gives the seconds until it is worth trying again."""
        arguments: list[str | int] = [self._holder, self.held, int(TERM * 1000)]
        answer: Any = self._hold(keys=self._keys, args=arguments)
        held, other, left = answer
        self.held, self.other = held.decode(), other.decode(errors="replace").partition(" ")[2]
        return RENEWAL if self.held else min(RENEWAL, left / 1000 + _MARGIN)

    def release(self) -> None:
        """Give it back, if it is held, and have the agents look in either case."""
        held, self.held = self.held, ""
        self._release(keys=self._keys[:1], args=[held, self._bell])
