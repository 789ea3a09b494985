"""Bounds what a peer may ask for without getting anything done: floods of cheap frames (RFC 9113 §10.5)."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from proxy.http2.errors import ENHANCE_YOUR_CALM, ConnectionFault

BURST = 2000.0
"""The allowance of a new connection."""
SAVINGS = 10_000.0
"""The most that it can save: windows for some 20 MB on their way may come back in steps of 4 KiB."""
PER_SECOND = 20.0
"""The allowance that comes by time."""

RESET_COST = 10.0
"""A stream that the peer resets has cost a request; leaving a page resets many at once, 200 here."""
SETTINGS_COST = 10.0
FRAME_COST = 1.0
"""Any other frame that moves no content."""
DATA_CREDIT = 3.0
"""Content that was sent at once; the peer may respond with WINDOW_UPDATE for stream and connection."""
BYTE_CREDIT = 1 / 1024
"""Each byte of it: some peers send both updates for every 4 KiB that they take."""
MESSAGE_CREDIT = 20.0
"""A response or request that was sent as a whole."""


class Activity:
    """The allowance of one connection; useful work adds to it."""

    __slots__ = ("_allowance", "_clock", "_since")

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._allowance = BURST
        self._clock = clock
        self._since = clock()

    def earn(self, credit: float) -> None:
        self._allowance = min(self._allowance + credit, SAVINGS)

    def spend(self, cost: float) -> None:
        """Take from the allowance. Raises ConnectionFault once there is none."""
        self._allowance -= cost
        if self._allowance < 0.0:
            now = self._clock()
            self._allowance += (now - self._since) * PER_SECOND
            self._since = now
            if self._allowance < 0.0:
                raise ConnectionFault(ENHANCE_YOUR_CALM, "too many frames that bring nothing")
            self._allowance = min(self._allowance, BURST)
