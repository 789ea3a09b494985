"""Routes whose hosts are regular expressions (HostRegexp)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proxy.routing.path_index import PathIndex
from proxy.routing.pattern_sets import compile_patterns
from proxy.routing.route import Route, Routes
from rondpoint.model import Router

SHARD = 256
"""Expressions compiled together: a change recompiles so many, and one pass over a host tests so many."""

MAX_CACHED_HOSTS = 4096
"""Hosts whose matches are cached; limited, because clients can make up any number of names."""


class _Shard:
    """Expressions that are compiled together; `match` is None until they are needed."""

    __slots__ = ("match", "patterns")

    def __init__(self) -> None:
        self.patterns: list[str] = []
        self.match: Callable[[str], Iterable[int]] | None = None


class HostPatterns:
    """Path indexes by host expression; without expressions, `shards` is empty.

    `version` is a new object after each change, so that callers can cache results until then.
    """

    def __init__(self) -> None:
        self._indexes: dict[str, PathIndex] = {}
        self._shards_by_pattern: dict[str, _Shard] = {}
        self.shards: list[_Shard] = []
        self._cache: dict[bytes, tuple[PathIndex, ...]] = {}
        self.version = object()

    def matching_indexes(self, host: bytes) -> tuple[PathIndex, ...]:
        """Return the indexes whose expressions match this normalised host."""
        cached = self._cache.get(host)
        if cached is None:
            cached = tuple(self._search(host.decode("latin-1")))
            if len(self._cache) >= MAX_CACHED_HOSTS:
                self._cache.clear()
            self._cache[host] = cached
        return cached

    def add(self, pattern: str, route: Route) -> None:
        """Add a new route under this expression, which RE2 must accept."""
        index = self._indexes.get(pattern)
        if index is None:
            index = self._indexes[pattern] = PathIndex()
            shard = next((each for each in self.shards if len(each.patterns) < SHARD), None)
            if shard is None:
                shard = _Shard()
                self.shards.append(shard)
            shard.patterns.append(pattern)
            self._shards_by_pattern[pattern] = shard
            self._changed(shard)
        index.add(route)

    def discard(self, pattern: str, router: Router) -> None:
        """Remove a router's route, which must be present."""
        index = self._indexes[pattern]
        index.discard(router)
        if not index:
            del self._indexes[pattern]
            shard = self._shards_by_pattern.pop(pattern)
            shard.patterns.remove(pattern)
            if not shard.patterns:
                self.shards.remove(shard)
            self._changed(shard)

    def _changed(self, shard: _Shard) -> None:
        shard.match = None
        self._cache.clear()
        self.version = object()

    def indexes_for_route(self, host: bytes, route: Route) -> tuple[Routes, ...]:
        """Return the same as `matching_indexes`, cached on the route: such hosts may be any number."""
        pattern_cache = route.pattern_cache
        if pattern_cache is None or pattern_cache[0] is not self.version or pattern_cache[1] != host:
            found = tuple(self._search(host.decode("latin-1")))
            route.pattern_cache = pattern_cache = (self.version, host, found)
        return pattern_cache[2]

    def _search(self, host: str) -> Iterable[PathIndex]:
        for shard in self.shards:
            if shard.match is None:
                shard.match = compile_patterns(shard.patterns)
            for position in shard.match(host):
                yield self._indexes[shard.patterns[position]]
