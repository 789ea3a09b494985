"""How long to wait before the next attempt."""

from __future__ import annotations

from random import uniform


class Backoff:
    """Delays that double from `first` to `last` seconds, each shortened by up to a half at random.

    The chance keeps several agents from coming back to one source in step.
    """

    def __init__(self, first: float, last: float) -> None:
        self._first = first
        self._last = last
        self._next = first

    def next(self) -> float:
        """Seconds to wait now; the next time it is longer."""
        delay, self._next = self._next, min(self._next * 2, self._last)
        return delay * uniform(0.5, 1.0)  # noqa: S311 (no secret depends on it)

    def reset(self) -> None:
        """An attempt succeeded: the next failure starts from the first delay again."""
        self._next = self._first
