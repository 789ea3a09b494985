"""Decides when to read the tasks of services in transition again.

No event tells that the manager wants a task of another node to end, or that one has started there. So tasks
are read often while something is in motion: after each event of a service, and until all of its tasks are as
the manager wants them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

SHORTEST = 0.1
"""Seconds between two readings of a service whose tasks have just changed."""
LONGEST = 15.0
"""Seconds between two readings of a service that stays in transition, such as one that no node can run."""
QUIET = 2.0
"""Seconds for which a service is read after its last change: the manager acts some time after an event."""
GROWTH = 10
"""The interval is this part of the time since the last change."""


class Motion:
    """The services in transition, each with the time of its last change and of its next reading."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed_at: dict[str, float] = {}
        self._next: dict[str, float] = {}

    def __contains__(self, service_id: str) -> bool:
        return service_id in self._next

    def touch(self, service_id: str) -> None:
        """Note that a service has changed or will soon: it is read again shortly."""
        now = self._clock()
        self._changed_at[service_id] = now
        self._next[service_id] = now + SHORTEST

    def note_reading(self, service_id: str, *, changed: bool, settled: bool) -> None:
        """Note that the tasks of a service were read; `settled` says that they are as they should be."""
        if service_id not in self._changed_at and settled:
            return
        if changed or service_id not in self._changed_at:
            self.touch(service_id)
            return
        now = self._clock()
        idle = now - self._changed_at[service_id]
        if settled and idle >= QUIET:
            self.forget(service_id)
            return
        self._next[service_id] = now + min(max(idle / GROWTH, SHORTEST), LONGEST)

    def forget(self, service_id: str) -> None:
        """Stop reading a service."""
        self._changed_at.pop(service_id, None)
        self._next.pop(service_id, None)

    def keep(self, services: Iterable[str]) -> None:
        """Forget all other services."""
        for service_id in self._next.keys() - set(services):
            self.forget(service_id)

    def due(self) -> list[str]:
        """Return the services to read now."""
        now = self._clock()
        return [service_id for service_id, at in self._next.items() if at <= now]

    @property
    def next_due(self) -> float | None:
        """The clock's time of the next reading, or None if no service is in transition."""
        return min(self._next.values(), default=None)
