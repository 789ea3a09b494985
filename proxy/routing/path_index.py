"""Routes that share their host, or have none, found by path."""

from __future__ import annotations

from proxy.routing.route import Route, put_in_order, take_out
from proxy.routing.rule_scope import paths_of
from rondpoint.model import Router

FEW = 6
"""Routes that are sooner tried than looked for."""


class PathIndex:
    """Finding costs one look for the path, and one for each length that prefixes have here."""

    __slots__ = ("_anywhere", "_exact", "_few", "_lengths", "_prefixes")

    def __init__(self) -> None:
        # All of them, as long as trying each costs less than looking for the right ones.
        self._few: list[Route] | None = []
        self._anywhere: list[Route] = []
        self._exact: dict[str, list[Route]] = {}
        self._prefixes: dict[str, list[Route]] = {}
        # How many prefixes have this length.
        self._lengths: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._anywhere or self._exact or self._prefixes)

    def collect(self, path: str, found: list[list[Route]]) -> None:
        """Add to `found`, each list in order, the routes that can hold on `path`; one may be in several."""
        if self._few is not None:
            found.append(self._few)
            return
        if self._anywhere:
            found.append(self._anywhere)
        if path in self._exact:
            found.append(self._exact[path])
        size = len(path)
        for length in self._lengths:
            if length <= size:
                routes = self._prefixes.get(path[:length])
                if routes is not None:
                    found.append(routes)

    def add(self, route: Route) -> None:
        """Put in a route that is not there."""
        if self._few is not None:
            put_in_order(self._few, route)
            if len(self._few) > FEW:
                self._few = None
        paths = paths_of(route.router.rule.expression)
        if paths is None:
            put_in_order(self._anywhere, route)
            return
        for path in paths.exact:
            put_in_order(self._exact.setdefault(path, []), route)
        for prefix in paths.prefixes:
            if prefix not in self._prefixes:
                self._prefixes[prefix] = []
                self._lengths[len(prefix)] = self._lengths.get(len(prefix), 0) + 1
            put_in_order(self._prefixes[prefix], route)

    def discard(self, router: Router) -> None:
        """Take out a router's route, which is there."""
        if self._few is not None:
            take_out(self._few, router)
        paths = paths_of(router.rule.expression)
        if paths is None:
            take_out(self._anywhere, router)
            return
        for path in paths.exact:
            _take_out_of(self._exact, path, router)
        for prefix in paths.prefixes:
            if not _take_out_of(self._prefixes, prefix, router):
                self._lengths[len(prefix)] -= 1
                if not self._lengths[len(prefix)]:
                    del self._lengths[len(prefix)]


def _take_out_of(lists: dict[str, list[Route]], key: str, router: Router) -> bool:
    """Whether any is left there."""
    routes = lists[key]
    take_out(routes, router)
    if not routes:
        del lists[key]
    return bool(routes)
