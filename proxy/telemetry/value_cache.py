"""What was made of a value, for when the value comes again: requests say much the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

KEPT = 500
"""Values remembered at once; clients make up any number of them."""

LARGEST = 2048
"""Bytes or characters of the largest value that is remembered."""

K = TypeVar("K")
V = TypeVar("V")


class ValueCache(dict[K, V]):
    """Makes what it does not know; a lookup of what it knows is a plain dictionary's."""

    def __init__(self, make: Callable[[K], V], size: Callable[[K], int] = len) -> None:  # type: ignore[assignment]
        super().__init__()
        self._make = make
        self._size = size

    def __missing__(self, key: K) -> V:
        made = self._make(key)
        if self._size(key) <= LARGEST:
            if len(self) >= KEPT:
                self.clear()
            self[key] = made
        return made
