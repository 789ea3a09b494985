"""An index of routes by host and by path, that finds the route of a request in constant time.

The result is that of testing all routes by priority (higher first) and name (lower first). The indexes only
narrow down the candidates; the test of the rule decides. Matching never yields, so an index changes only
between two requests.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import chain

from proxy.http1.request import Request
from proxy.routing.host_patterns import HostPatterns
from proxy.routing.path_index import PathIndex
from proxy.routing.request_attributes import Client
from proxy.routing.route import LAST, Order, Route, Routes, by_order, order_of, uncompiled
from proxy.routing.rule_scope import Hosts, hosts_of
from rondpoint.model import Router
from rondpoint.rules.request_normalisation import normalise_host, normalise_path

MAX_CACHED_HOSTS = 4096
"""Hosts whose normalised form is cached; limited, because clients can make up any number of them."""


class RouteIndex:
    """Routes that compete for the same requests, with their indexes.

    `size` is the number of routes. `normalised` caches hosts in normalised form, for several indexes.
    """

    def __init__(self, normalised: dict[bytes, bytes] | None = None) -> None:
        self.size = 0
        # By the host as most clients write it. Most hosts have one router and need no path index.
        self._by_host: dict[bytes, Route | PathIndex] = {}
        self._by_pattern = HostPatterns()
        self._anywhere = PathIndex()
        self._orders_anywhere: list[Order] = []
        self._first_anywhere: Order = LAST
        self._normalised: dict[bytes, bytes] = {} if normalised is None else normalised

    def add(self, route: Route) -> None:
        """Add a route, which must be new; the cost depends on the routes of its hosts."""
        self.size += 1
        hosts = hosts_of(route.router.rule.expression)
        if hosts is None:
            self._anywhere.add(route)
            insort(self._orders_anywhere, route.order)
            self._first_anywhere = self._orders_anywhere[0]
            return
        for key in _keys(hosts):
            self._put_under(key, route)
        for pattern in hosts.patterns:
            self._by_pattern.add(pattern, route)

    def discard(self, router: Router) -> None:
        """Remove a router's route, which must be present."""
        self.size -= 1
        hosts = hosts_of(router.rule.expression)
        if hosts is None:
            self._anywhere.discard(router)
            orders = self._orders_anywhere
            del orders[bisect_left(orders, order_of(router))]
            self._first_anywhere = orders[0] if orders else LAST
            return
        for key in _keys(hosts):
            self._take_from(key, router)
        for pattern in hosts.patterns:
            self._by_pattern.discard(pattern, router)

    def match(
        self, entry_point: str, request: Request, client: Client, path: str | None = None
    ) -> Route | None:
        """Return the route for this request; host and path are compared in normalised form.

        `path` takes the place of the request's own path.
        """
        host = request.host
        entry = self._by_host.get(host)
        if entry is None:
            host = self._normalised.get(host) or self._normalise(host)
            entry = self._by_host.get(host)
        patterns = self._by_pattern
        if not patterns.shards:
            pattern_indexes: tuple[Routes, ...] = ()
        elif isinstance(entry, Route):
            pattern_indexes = patterns.indexes_for_route(host, entry)
        else:
            pattern_indexes = patterns.matching_indexes(host)
        if (
            # The usual case: one route, and no other candidates. Each further object may miss the cache.
            isinstance(entry, Route)
            and entry.test is None
            and (self._first_anywhere is LAST or entry.order < self._first_anywhere)
            and not pattern_indexes
            and entry_point in entry.entry_points
        ):
            return entry
        if path is None:
            path = normalise_path(request.target)
        found: list[list[Route]] = []
        if isinstance(entry, Route):
            found.append([entry])
        elif entry is not None:
            entry.collect(path, found)
        for index in pattern_indexes:
            index.collect(path, found)
        if self._anywhere:
            self._anywhere.collect(path, found)
        if not found:
            return None
        name = host.decode("latin-1")
        routes = found[0] if len(found) == 1 else sorted(chain.from_iterable(found), key=by_order)
        for route in routes:
            if entry_point in route.entry_points:
                test = route.test
                if test is uncompiled:
                    test = route.compile()
                if test is None or test(name, path, request, client):
                    return route
        return None

    def _normalise(self, host: bytes) -> bytes:
        if len(self._normalised) >= MAX_CACHED_HOSTS:
            self._normalised.clear()
        name = self._normalised[host] = normalise_host(host).encode("latin-1")
        return name

    def _put_under(self, key: bytes, route: Route) -> None:
        stored = self._by_host.get(key)
        if stored is None:
            self._by_host[key] = route
            return
        if isinstance(stored, Route):
            index = self._by_host[key] = PathIndex()
            index.add(stored)
            stored = index
        stored.add(route)

    def _take_from(self, key: bytes, router: Router) -> None:
        stored = self._by_host[key]
        if isinstance(stored, PathIndex):
            stored.discard(router)
            if stored:
                return
        del self._by_host[key]


def _keys(hosts: Hosts) -> Iterator[bytes]:
    """Yield the names as keys; skip those that are not normalised, because no request matches them."""
    for name in hosts.names:
        key = name.encode()
        if normalise_host(key) == name:
            yield key
