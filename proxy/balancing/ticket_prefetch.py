"""Decides when to prefetch a ticket, so that a client that sends requests without pause need not wait.

The worker prefetches only while a single client uses this worker, and this worker alone uses the service. A
held ticket would otherwise disturb the round robin of other clients.
"""

from __future__ import annotations

from time import monotonic

STREAK_LENGTH = 32
"""Consecutive tickets, each for a single request, after which the worker prefetches the next ticket."""

LONGEST_GAP = 0.005
"""Seconds between two requests that end a streak; a ticket is held no longer than that."""


class TicketPrefetch:
    """The streak of one `service`, and the prefetched ticket that is held for it."""

    __slots__ = ("_held", "_last", "_length", "_since", "service")

    def __init__(self) -> None:
        self.service = ""
        self._held = 0
        self._last = 0
        self._length = 0
        self._since = 0.0

    def record(self, service: str, ticket: int) -> None:
        """Record a ticket for which a single request has waited."""
        now = monotonic()
        alone = service == self.service and ticket == self._last + 1 and now - self._since < LONGEST_GAP
        self._length = self._length + 1 if alone else 0
        self.service, self._last, self._since = service, ticket, now

    @property
    def due(self) -> bool:
        """Whether to prefetch the next ticket."""
        return self._length >= STREAK_LENGTH

    def switch(self, ticket: int) -> None:
        """Hold a ticket; called like a waiting greenlet. Tickets of others before it end the streak."""
        if ticket != self._last + 1:
            self._length = 0
        self._held = self._last = ticket

    def take(self) -> int:
        """Return the held ticket; 0 if there is none, or if it was held too long."""
        held, self._held = self._held, 0
        if not held:
            return 0
        now = monotonic()
        late, self._since = now - self._since > LONGEST_GAP, now
        if late:
            self._length = 0
            return 0
        return held
