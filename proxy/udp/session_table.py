"""How many sessions a worker has, how many it may have, and what it has counted."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from time import monotonic

from gevent.event import Event

log = logging.getLogger(__name__)

WARNING_INTERVAL = 60.0
"""Seconds between two warnings that sessions are refused."""

MAX_OPENING = 512
"""Sessions of a worker that wait for a ticket or for the address of their server."""


@dataclass(slots=True)
class SessionTable:
    """The sessions of one worker, of at most `capacity`, of which MAX_OPENING wait for their server.

    `by_entry_point` counts them. Since the worker started, `begun` counts sessions, `refused`
    those that the capacity did not allow, and `dropped` the datagrams that had no router or no server.
    `used` is set while there are sessions, and `empty` once the last one has ended.
    """

    capacity: int
    by_entry_point: dict[str, int] = field(default_factory=dict)
    sessions: int = 0
    opening: int = 0
    begun: int = 0
    refused: int = 0
    dropped: int = 0
    used: Event = field(default_factory=Event)
    empty: Event = field(default_factory=Event)
    _warned_at: float = -WARNING_INTERVAL

    def begin(self, entry_point: str) -> bool:
        """Count a session that begins, and return True; if there is no room for it, refuse it."""
        if self.sessions >= self.capacity or self.opening >= MAX_OPENING:
            self.refused += 1
            self._warn()
            return False
        if not self.sessions:
            self.used.set()
            self.empty.clear()
        self.sessions += 1
        self.begun += 1
        self.by_entry_point[entry_point] = self.by_entry_point.get(entry_point, 0) + 1
        return True

    def end(self, entry_point: str) -> None:
        """Count a session that has ended."""
        self.sessions -= 1
        self.by_entry_point[entry_point] -= 1
        if not self.sessions:
            self.used.clear()
            self.empty.set()

    def _warn(self) -> None:
        if monotonic() - self._warned_at >= WARNING_INTERVAL:
            self._warned_at = monotonic()
            log.warning(
                "this worker has %d UDP sessions and refuses new ones: %d may be open (limits.udpSessions, "
                "ulimit -n), and %d may wait for their server",
                self.sessions,
                self.capacity,
                MAX_OPENING,
            )
