"""The routes that can serve one host, in their order, and found by path where they are many."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.routing.route import Route, order_of
from rondpoint.rules.conditions import literal_paths

FEW = 8
"""Routes up to which a walk costs less than an index."""


class Group:
    """`routes` in order; `index` when they are more than FEW; `version` is the table's when it was made."""

    __slots__ = ("index", "routes", "version")

    def __init__(self, routes: Iterable[Route], version: int) -> None:
        self.routes = tuple(routes)
        self.version = version
        self.index = PathIndex(self.routes) if len(self.routes) > FEW else None


class PathIndex:
    """Routes by the literal paths and prefixes that their rules demand."""

    __slots__ = ("_anywhere", "_exact", "_lengths", "_prefixes")

    def __init__(self, routes: Iterable[Route]) -> None:
        self._anywhere: list[Route] = []
        self._exact: dict[str, list[Route]] = {}
        self._prefixes: dict[str, list[Route]] = {}
        for route in routes:
            paths = literal_paths(route.router.rule.expression)
            if paths is None:
                self._anywhere.append(route)
                continue
            for path in dict.fromkeys(paths.exact):
                self._exact.setdefault(path, []).append(route)
            for prefix in dict.fromkeys(paths.prefixes):
                self._prefixes.setdefault(prefix, []).append(route)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def candidates(self, path: str) -> list[Route]:
        """Those whose rules may hold for a path, in order; one may be there twice."""
        lists = [self._anywhere] if self._anywhere else []
        if (exact := self._exact.get(path)) is not None:
            lists.append(exact)
        longest = len(path)
        for length in self._lengths:
            if length > longest:
                break
            if (found := self._prefixes.get(path[:length])) is not None:
                lists.append(found)
        if len(lists) == 1:
            return lists[0]
        return sorted((route for found in lists for route in found), key=order_of)
