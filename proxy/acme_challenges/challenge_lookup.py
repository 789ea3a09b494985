"""Reads challenges from the store when a CA asks for them; workers keep none in memory.

So the CA may ask any worker at once. Anybody may send such requests, so their number, their time and their
connections to the store are bounded, and other requests never wait for them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from gevent import Timeout
from gevent.lock import BoundedSemaphore
from redis.exceptions import RedisError, ResponseError

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

LOOKUP_TIMEOUT = 1.0
"""Seconds that a request waits for the store."""

LOOKUPS_PER_SECOND = 50
"""The most lookups of a worker in one second; a CA asks a few times for each name."""

CONNECTIONS = 4
"""The most lookups at a time: each has a connection, and a store that does not reply gets no more of them."""


class LookupFailedError(Exception):
    """It is unknown whether there is such a challenge; the message says why."""


class ChallengeLookup:
    """Reads challenges by name, such as `http-01 TOKEN`; `key` returns the key of a name."""

    def __init__(
        self, client: Redis, key: Callable[[str], str], now: Callable[[], float] = monotonic
    ) -> None:
        self._client = client
        self._key = key
        self._now = now
        self._second = 0.0
        self._lookups = 0
        # The last refusal in the log, because anybody can cause many lookups.
        self._logged = ""
        self._free = BoundedSemaphore(CONNECTIONS)

    def find(self, name: str) -> str | None:
        """Return the text of a challenge, None if there is none. Raises LookupFailedError."""
        self._count()
        timeout = Timeout(LOOKUP_TIMEOUT)
        try:
            with timeout, self._free:
                text = self._client.get(self._key(name))
        except ResponseError as error:
            # For instance, the key holds another type, or the user of the store lacks the right to read it.
            if str(error) != self._logged:
                self._logged = str(error)
                log.warning("ACME challenges cannot be read from the store: %s", error)
            raise LookupFailedError("the store refuses to give the challenge") from None
        except (RedisError, OSError):
            raise LookupFailedError("the store of challenges cannot be reached") from None
        except Timeout as expired:
            if expired is not timeout:
                raise
            raise LookupFailedError("the store of challenges does not reply") from None
        return text.decode() if isinstance(text, bytes) else None

    def _count(self) -> None:
        """Count this lookup. Raises LookupFailedError if there were too many in this second."""
        now = self._now()
        if now - self._second >= 1:
            self._second, self._lookups = now, 0
        if self._lookups >= LOOKUPS_PER_SECOND:
            raise LookupFailedError("too many requests for challenges in this second")
        self._lookups += 1
