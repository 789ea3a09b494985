"""An index by path of routes that share a host, or have none."""

from __future__ import annotations

from proxy.routing.route import Route, insert_route, remove_route
from proxy.routing.rule_scope import paths_of
from rondpoint.model import Router

MAX_UNINDEXED = 6
"""Up to so many routes, testing all is faster than looking them up."""


class PathIndex:
    """Routes by path; finding them takes one look-up for the path and one for each prefix length."""

    __slots__ = ("_anywhere", "_exact", "_few", "_lengths", "_prefixes")

    def __init__(self) -> None:
        # All routes, while testing each costs less than looking up the right ones.
        self._few: list[Route] | None = []
        self._anywhere: list[Route] = []
        self._exact: dict[str, list[Route]] = {}
        self._prefixes: dict[str, list[Route]] = {}
        # Number of prefixes by length.
        self._lengths: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._anywhere or self._exact or self._prefixes)

    def collect(self, path: str, found: list[list[Route]]) -> None:
        """Append to `found` ordered lists of the routes that may match `path`; a route may be in several."""
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
        """Add a route, which must be new."""
        if self._few is not None:
            insert_route(self._few, route)
            if len(self._few) > MAX_UNINDEXED:
                self._few = None
        paths = paths_of(route.router.rule.expression)
        if paths is None:
            insert_route(self._anywhere, route)
            return
        for path in paths.exact:
            insert_route(self._exact.setdefault(path, []), route)
        for prefix in paths.prefixes:
            if prefix not in self._prefixes:
                self._prefixes[prefix] = []
                self._lengths[len(prefix)] = self._lengths.get(len(prefix), 0) + 1
            insert_route(self._prefixes[prefix], route)

    def discard(self, router: Router) -> None:
        """Remove a router's route, which must be present."""
        if self._few is not None:
            remove_route(self._few, router)
        paths = paths_of(router.rule.expression)
        if paths is None:
            remove_route(self._anywhere, router)
            return
        for path in paths.exact:
            _remove_from(self._exact, path, router)
        for prefix in paths.prefixes:
            if not _remove_from(self._prefixes, prefix, router):
                self._lengths[len(prefix)] -= 1
                if not self._lengths[len(prefix)]:
                    del self._lengths[len(prefix)]


def _remove_from(lists: dict[str, list[Route]], key: str, router: Router) -> bool:
    """Remove the route from the list under `key`; return whether routes are left there."""
    routes = lists[key]
    remove_route(routes, router)
    if not routes:
        del lists[key]
    return bool(routes)
