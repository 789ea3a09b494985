"""A cache of computed values, because requests repeat the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

MAX_CACHED = 500
"""Values cached at once; clients can send any number of different ones."""

MAX_SIZE = 2048
"""Size of the largest value that is cached, in bytes or characters."""

K = TypeVar("K")
V = TypeVar("V")


class ValueCache(dict[K, V]):
    """A dictionary that computes missing values with `make`; a hit costs one dictionary lookup."""

    def __init__(self, make: Callable[[K], V], size: Callable[[K], int] = len) -> None:  # type: ignore[assignment]
        super().__init__()
        self._make = make
        self._size = size

    def __missing__(self, key: K) -> V:
        made = self._make(key)
        if self._size(key) <= MAX_SIZE:
            if len(self) >= MAX_CACHED:
                self.clear()
            self[key] = made
        return made
