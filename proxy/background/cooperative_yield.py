"""Lets long background work yield to requests."""

from __future__ import annotations

from time import monotonic

import gevent

STRETCH = 0.003
"""The default of seconds between two yields."""


class CooperativeYield:
    """A callable for long work: called often, it yields to the event loop every `stretch` seconds."""

    def __init__(self, stretch: float = STRETCH) -> None:
        """`stretch`: the longest time in seconds that requests wait for the work."""
        self._stretch = stretch
        self._until = 0.0

    def __call__(self) -> None:
        if monotonic() >= self._until:
            # With 0 seconds, gevent would not poll its sockets at each yield.
            gevent.sleep(1e-6)
            self._until = monotonic() + self._stretch
