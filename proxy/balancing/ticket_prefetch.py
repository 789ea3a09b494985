"""Whether to ask for a ticket before it is needed, so that a client that asks without pause need not wait.

That is done only while a single client has this worker, and this worker the service, to itself: a ticket held
back would disturb the turn in which others are served.
"""

from __future__ import annotations

from time import monotonic

STREAK_LENGTH = 32
"""Tickets in a row, one at a time and nobody else's between them, after which the next is asked for ahead."""

PAUSE = 0.005
"""Seconds between two requests that end a streak; a ticket is held no longer than that."""


class TicketPrefetch:
    """The streak of one `service`, and the ticket held for it."""

    __slots__ = ("_held", "_last", "_length", "_since", "service")

    def __init__(self) -> None:
        self.service = ""
        self._held = 0
        self._last = 0
        self._length = 0
        self._since = 0.0

    def count(self, service: str, ticket: int) -> None:
        """Note a ticket for which one request alone has waited."""
        now = monotonic()
        alone = service == self.service and ticket == self._last + 1 and now - self._since < PAUSE
        self._length = self._length + 1 if alone else 0
        self.service, self._last, self._since = service, ticket, now

    @property
    def wanted(self) -> bool:
        """Whether the next ticket is to be asked for ahead."""
        return self._length >= STREAK_LENGTH

    def switch(self, ticket: int) -> None:
        """Hold a ticket, as one who waited for it; others' before it end the streak."""
        if ticket != self._last + 1:
            self._length = 0
        self._held = self._last = ticket

    def take(self) -> int:
        """The ticket held; 0 when there is none, or when it was held too long."""
        held, self._held = self._held, 0
        if not held:
            return 0
        now = monotonic()
        late, self._since = now - self._since > PAUSE, now
        if late:
            self._length = 0
            return 0
        return held
