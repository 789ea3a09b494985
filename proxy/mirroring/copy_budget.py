"""Limits how many copies of requests a worker holds, and how many bytes of content; counts the copies."""

from __future__ import annotations

import logging
from time import monotonic

log = logging.getLogger(__name__)

MAX_COPIES = 256
"""Copies that may be on their way to mirrors at a time."""

MAX_BYTES = 64 << 20
"""The most bytes of content for copies."""

MAX_UNANNOUNCED_BYTES = 4 << 20
"""The most bytes of content whose length is not known before all of it has come."""

WARNING_INTERVAL = 60.0
"""The fewest seconds between two warnings about dropped copies."""


class CopyBudget:
    """The copies of one worker: how many are on their way, the bytes of content held for them, and counts.

    `sent` copies reached a server that responded; `failed` ones got no response, or a middleware of the
    mirror refused them; `dropped` ones were never sent, because of the limits.
    """

    __slots__ = ("_warned_at", "active", "dropped", "failed", "held", "sent")

    def __init__(self) -> None:
        self.active = self.held = 0
        self.sent = self.failed = self.dropped = 0
        self._warned_at = -WARNING_INTERVAL

    def reserve(self, size: int) -> bool:
        """Reserve this many bytes of content; return False if they would exceed the limit."""
        if self.held + size > MAX_BYTES:
            return False
        self.held += size
        return True

    def release(self, size: int) -> None:
        """Give back bytes that were reserved."""
        self.held -= size

    def begin(self) -> bool:
        """Begin to send a copy; return False if too many are on their way."""
        if self.active >= MAX_COPIES:
            return False
        self.active += 1
        return True

    def end(self, *, sent: bool) -> None:
        """Count a copy that has begun."""
        self.active -= 1
        if sent:
            self.sent += 1
        else:
            self.failed += 1

    def drop(self, copies: int, service: str) -> None:
        """Count copies of requests to this service that are not sent; warn of it from time to time."""
        self.dropped += copies
        now = monotonic()
        if now - self._warned_at >= WARNING_INTERVAL:
            self._warned_at = now
            log.warning(
                "copies for mirrors of service %s, and perhaps of others, are dropped: %d are on their way,"
                " with %d bytes of content",
                service,
                self.active,
                self.held,
            )
