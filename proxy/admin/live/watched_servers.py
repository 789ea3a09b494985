"""The servers that somebody looks at now: of these alone the store is asked what was counted.

An installation may have many thousand, and a page shows some dozens. Each is followed from when it was first
looked at, so that its rate is right from then on.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from proxy.admin.live.counter_deltas import SERVER, Differences, Hash, of_servers
from proxy.admin.live.request_rates import NOTHING, Vector, minus, plus, requests
from rondpoint.store.keys import Keys
from rondpoint.store.transaction import Command

KEPT = 10.0
"""Seconds for which a server is still followed that nobody looks at: a browser asks anew for each page."""


class Watch:
    """Follows servers by their fields in the store, for as long as they are `wanted`."""

    def __init__(self) -> None:
        self._wanting: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """Forget what was seen."""
        self._differences = Differences(of_servers)
        self._wanted_at: dict[str, float] = {}
        self._seen: dict[str, deque[tuple[float, Vector]]] = {}
        self._asked: tuple[str, ...] = ()

    @contextmanager
    def wanted(self, fields: Iterable[str]) -> Iterator[None]:
        """Has these followed until it ends."""
        theirs = tuple(fields)
        self._wanting.update(theirs)
        try:
            yield
        finally:
            self._wanting.subtract(theirs)
            # Zeros would stay otherwise.
            self._wanting = +self._wanting

    def commands(self, keys: Keys, names: Iterable[str], now: float) -> list[Command]:
        """What to ask the store for, of workers and instances so named; `now` in monotonic seconds."""
        self._wanted_at.update((field, now) for field in self._wanting)
        for field in [field for field, at in self._wanted_at.items() if now - at > KEPT]:
            del self._wanted_at[field]
            self._seen.pop(field, None)
        self._asked = tuple(self._wanted_at)
        if not self._asked:
            return []
        return [("HMGET", keys.server_metrics(name), *self._asked) for name in names]

    def take(
        self,
        names: Sequence[str],
        answers: Sequence[Any],
        now: float,
        length: float,
        yield_if_due: Callable[[], None],
    ) -> dict[str, tuple[Vector, float]]:
        """By key, what was counted in the last `length` seconds and in how many really; those that were asked
        for nothing are left out.
        """
        hashes = {name: self._hash(answer) for name, answer in zip(names, answers, strict=False)}
        fresh = {field.encode() for field in self._asked if field not in self._seen}
        counted = self._differences.take(hashes, yield_if_due, fresh)
        found: dict[str, tuple[Vector, float]] = {}
        for field in self._asked:
            key = SERVER + field
            since, sums = self._add(field, now, counted.get(key), length)
            if requests(sums):
                found[key] = (sums, now - since)
        return found

    def _add(self, field: str, now: float, counted: Vector | None, length: float) -> tuple[float, Vector]:
        seen = self._seen.get(field)
        if seen is None:
            seen = self._seen[field] = deque([(now, NOTHING)])
            return now, NOTHING
        total = seen[-1][1]
        seen.append((now, total if counted is None else plus(total, counted)))
        while len(seen) > 2 and seen[1][0] <= now - length:
            seen.popleft()
        since, first = seen[0]
        return since, minus(seen[-1][1], first)

    def _hash(self, answer: Any) -> Hash:
        """The fields that are there; of what is no hash, none."""
        if isinstance(answer, Exception):
            return {}
        fields: Mapping[str, bytes | None] = dict(zip(self._asked, answer, strict=True))
        return {field.encode(): value for field, value in fields.items() if value is not None}
