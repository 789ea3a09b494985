"""Exponential backoff with jitter between attempts."""

from __future__ import annotations

from random import uniform


class Backoff:
    """Delays that double from `first` to `last` seconds, each shortened at random by up to a half.

    The jitter keeps several agents from retrying one source at the same time.
    """

    def __init__(self, first: float, last: float) -> None:
        self._first = first
        self._last = last
        self._next = first

    def next(self) -> float:
        """Return the seconds to wait now; the next delay is longer."""
        delay, self._next = self._next, min(self._next * 2, self._last)
        return delay * uniform(0.5, 1.0)  # noqa: S311 (no secret depends on it)

    def reset(self) -> None:
        """Start from the first delay again, after an attempt has succeeded."""
        self._next = self._first
