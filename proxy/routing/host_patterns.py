"""Which of many expressions a host meets, found in one pass over the host."""

from __future__ import annotations

from collections.abc import Iterator

import re2

from rondpoint.rules.patterns import options

SHARD = 256
"""Expressions that are compiled together: as many as a change of one of them costs."""

SHARD_MEMORY = 32 << 20


class HostPatterns:
    """Expressions that RE2 takes; a change costs a shard of them."""

    def __init__(self) -> None:
        self._shards: list[list[str]] = []
        self._sets: list[re2.Set | None] = []
        self._homes: dict[str, list[str]] = {}

    def add(self, pattern: str) -> None:
        """Put in one that is not there."""
        number = next((at for at, shard in enumerate(self._shards) if len(shard) < SHARD), None)
        if number is None:
            number = len(self._shards)
            self._shards.append([])
            self._sets.append(None)
        self._shards[number].append(pattern)
        self._sets[number] = None
        self._homes[pattern] = self._shards[number]

    def discard(self, pattern: str) -> None:
        """Take one out that is there."""
        shard = self._homes.pop(pattern)
        shard.remove(pattern)
        self._sets[next(at for at, each in enumerate(self._shards) if each is shard)] = None

    def met_by(self, host: str) -> Iterator[str]:
        """Those that are found in this host."""
        for number, shard in enumerate(self._shards):
            if not shard:
                continue
            compiled = self._sets[number]
            if compiled is None:
                compiled = self._sets[number] = _compiled(shard)
            for place in compiled.Match(host) or ():
                yield shard[place]


def _compiled(patterns: list[str]) -> re2.Set:
    chosen = options()
    chosen.max_mem = SHARD_MEMORY
    together = re2.Set.SearchSet(chosen)
    for pattern in patterns:
        together.Add(pattern)
    together.Compile()
    return together
