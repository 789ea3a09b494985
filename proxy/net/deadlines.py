"""Deadlines without timers: one greenlet per worker checks every open stream once a second.

A timer for each wait would cost too much; only deadlines that are near and must be exact have one. A stream
whose deadline has passed is shut down, so that the waiting greenlet wakes with an end of stream and finds
`expired` set.
"""

from __future__ import annotations

from time import monotonic
from typing import Protocol

import gevent
from gevent import get_hub

from rondpoint.ticks import seconds_to_tick

NEVER = float("inf")
INTERVAL = 1.0

EXACT_SECONDS = 5.0
"""Deadlines by `expire_at` that are as near as this have a timer."""

_LATE = 0.001
"""Seconds after a deadline when its timer fires, so that it has passed for sure."""


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


def expire_at(stream: Expiring, deadline: float) -> None:
    """Set the deadline of a stream, and enforce it exactly if it is near.

    It may be changed later, as it is for a connection that another request takes.
    """
    stream.deadline = deadline
    seconds = deadline - monotonic()
    if seconds < EXACT_SECONDS:
        timer = get_hub().loop.timer(max(seconds, 0.0) + _LATE)
        timer.start(_expire_if_due, stream, update=True)


def _expire_if_due(stream: Expiring) -> None:
    if stream.deadline <= monotonic():
        # The event loop must not wait, and the end of an HTTP/2 stream is sent to its peer.
        gevent.spawn(stream.expire)
