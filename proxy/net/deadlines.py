"""Deadlines without timers: one greenlet per worker looks once a second at every open stream.

A timer for each wait would cost more than it protects. A stream whose deadline has passed is shut
down, so that whoever waits for it wakes with an end of stream and finds `expired` set.
"""

from __future__ import annotations

from time import monotonic
from typing import Protocol

import gevent

NEVER = float("inf")
INTERVAL = 1.0


class Expiring(Protocol):
    """What has a deadline, in monotonic seconds, and something to do when it has passed."""

    deadline: float

    def expire(self) -> None: ...


class Sweeper:
    """Holds every open stream of a worker; deadlines are met to within INTERVAL seconds."""

    def __init__(self) -> None:
        self.streams: set[Expiring] = set()

    def run(self) -> None:
        """Sweep until killed."""
        while True:
            gevent.sleep(INTERVAL)
            self.sweep()

    def sweep(self) -> None:
        """Shut down every stream whose deadline has passed."""
        now = monotonic()
        for stream in [stream for stream in self.streams if stream.deadline < now]:
            stream.expire()


def after(seconds: float) -> float:
    """The deadline that lies `seconds` ahead; 0 means there is none."""
    return monotonic() + seconds if seconds > 0 else NEVER
