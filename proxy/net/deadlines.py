"""Deadlines without timers: one greenlet per worker checks every open stream once a second.

A timer for each wait would cost too much. A stream whose deadline has passed is shut down, so that the
waiting greenlet wakes with an end of stream and finds `expired` set.
"""

from __future__ import annotations

from time import monotonic
from typing import Protocol

import gevent

from rondpoint.ticks import seconds_to_tick

NEVER = float("inf")
INTERVAL = 1.0


class Expiring(Protocol):
    """An object with a deadline, in monotonic seconds, and an `expire` to call after it."""

    deadline: float

    def expire(self) -> None: ...


class Sweeper:
    """Holds every open stream of a worker, and enforces deadlines to within INTERVAL seconds."""

    def __init__(self) -> None:
        self.streams: set[Expiring] = set()

    def run(self) -> None:
        """Sweep until killed."""
        while True:
            gevent.sleep(seconds_to_tick(INTERVAL))
            self.sweep()

    def sweep(self) -> None:
        """Shut down every stream whose deadline has passed."""
        now = monotonic()
        for stream in [stream for stream in self.streams if stream.deadline < now]:
            stream.expire()


def after(seconds: float) -> float:
    """Return the deadline `seconds` from now; NEVER for 0."""
    return monotonic() + seconds if seconds > 0 else NEVER
