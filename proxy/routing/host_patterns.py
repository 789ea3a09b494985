"""Routes for hosts that regular expressions describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proxy.routing.path_index import PathIndex
from proxy.routing.pattern_sets import matching
from proxy.routing.route import Route, Routes
from rondpoint.model import Router

SHARD = 256
"""Expressions compiled together: what a change costs, and what one pass over a new host takes care of."""

REMEMBERED = 4096
"""Hosts whose groups are known, so that clients that make up names cannot fill the memory."""


class _Shard:
    __slots__ = ("match", "patterns")

    def __init__(self) -> None:
        self.patterns: list[str] = []
        self.match: Callable[[str], Iterable[int]] | None = None


class HostPatterns:
    """Groups by expression; where there are no `shards`, there are none.

    `state` is another object after each change, so that others may keep what they were told until then.
    """

    def __init__(self) -> None:
        self._groups: dict[str, PathIndex] = {}
        self._homes: dict[str, _Shard] = {}
        self.shards: list[_Shard] = []
        self._known: dict[bytes, tuple[PathIndex, ...]] = {}
        self.state = object()

    def groups(self, host: bytes) -> tuple[PathIndex, ...]:
        """Those whose expressions match this host, which is in its normal form."""
        known = self._known.get(host)
        if known is None:
            known = tuple(self._search(host.decode("latin-1")))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[host] = known
        return known

    def add(self, pattern: str, route: Route) -> None:
        """Put in a route that is not there under this expression, which must be one that RE2 takes."""
        group = self._groups.get(pattern)
        if group is None:
            group = self._groups[pattern] = PathIndex()
            shard = next((each for each in self.shards if len(each.patterns) < SHARD), None)
            if shard is None:
                shard = _Shard()
                self.shards.append(shard)
            shard.patterns.append(pattern)
            self._homes[pattern] = shard
            self._changed(shard)
        group.add(route)

    def discard(self, pattern: str, router: Router) -> None:
        """Take out a router's route, which is there."""
        group = self._groups[pattern]
        group.discard(router)
        if not group:
            del self._groups[pattern]
            shard = self._homes.pop(pattern)
            shard.patterns.remove(pattern)
            if not shard.patterns:
                self.shards.remove(shard)
            self._changed(shard)

    def _changed(self, shard: _Shard) -> None:
        shard.match = None
        self._known.clear()
        self.state = object()

    def groups_of(self, host: bytes, route: Route) -> tuple[Routes, ...]:
        """As `groups`, kept with the route of this host: there may be any number of such."""
        told = route.told
        if told is None or told[0] is not self.state or told[1] != host:
            found = tuple(self._search(host.decode("latin-1")))
            route.told = told = (self.state, host, found)
        return told[2]

    def _search(self, host: str) -> Iterable[PathIndex]:
        for shard in self.shards:
            if shard.match is None:
                shard.match = matching(shard.patterns)
            for place in shard.match(host):
                yield self._groups[shard.patterns[place]]
