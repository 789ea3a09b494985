"""Lets the timers of one process fire together, so that an idle process wakes once for all of them."""

from __future__ import annotations

import os
from time import monotonic

_GOLDEN = 0.618033988749895
"""Multiples of it, without their integers, spread evenly between 0 and 1."""

_EARLY = 0.01
"""Timers may fire this many seconds too early. Their next tick is then not the one that they were for."""


def next_tick(interval: float) -> float:
    """Return the time of this process's next tick by the monotonic clock.

    Ticks are `interval` seconds apart. Those of longer intervals coincide with those of shorter ones that
    divide them. Other processes have other ticks, so they do not all ask the store at the same moment.
    """
    now = monotonic() + _EARLY
    phase = os.getpid() * _GOLDEN % 1.0
    return now + interval - (now - phase) % interval


def seconds_to_tick(interval: float) -> float:
    """Return the seconds until `next_tick`."""
    return next_tick(interval) - monotonic()
