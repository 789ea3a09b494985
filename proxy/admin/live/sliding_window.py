"""Sums over the last seconds: adds new counts and subtracts expired ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

from proxy.admin.live.request_rates import Vector, add_vectors, request_count, subtract_vectors

KEYS_PER_YIELD = 100
"""Keys processed between two yields."""


class SlidingWindow:
    """`sums` holds the counts by key between `since` and `now`, both in monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.since = now
        self.now = now
        self.sums: dict[str, Vector] = {}
        self._entries: deque[tuple[float, Mapping[str, Vector]]] = deque()

    @property
    def span(self) -> float:
        return self.now - self.since

    def add(
        self, now: float, counted: Mapping[str, Vector], length: float, yield_if_due: Callable[[], None]
    ) -> None:
        """Add the counts up to `now`, and drop counts older than `length` seconds."""
        self.now = now
        self._entries.append((now, counted))
        for key, vector in _in_slices(counted, yield_if_due):
            sums = self.sums.get(key)
            self.sums[key] = vector if sums is None else add_vectors(sums, vector)
        while len(self._entries) > 1 and self._entries[0][0] <= now - length:
            self.since, old = self._entries.popleft()
            for key, vector in _in_slices(old, yield_if_due):
                left = subtract_vectors(self.sums[key], vector)
                if request_count(left):
                    self.sums[key] = left
                else:
                    del self.sums[key]


def _in_slices(
    vectors: Mapping[str, Vector], yield_if_due: Callable[[], None]
) -> Iterator[tuple[str, Vector]]:
    for number, item in enumerate(vectors.items()):
        if not number % KEYS_PER_YIELD:
            yield_if_due()
        yield item
