"""Long work beside requests, without their noticing."""

from __future__ import annotations

from time import monotonic

import gevent

STRETCH = 0.003
"""Seconds that requests wait at most, for what they depend on."""


class CooperativeYield:
    """Called often by what takes long, it lets requests have their turn now and then."""

    def __init__(self, stretch: float = STRETCH) -> None:
        """`stretch`: seconds that requests wait at most."""
        self._stretch = stretch
        self._until = 0.0

    def __call__(self) -> None:
        if monotonic() >= self._until:
            # With 0 seconds, gevent would look at its sockets only now and then.
            gevent.sleep(1e-6)
            self._until = monotonic() + self._stretch
