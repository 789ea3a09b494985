"""The routing table: routers by host, within a host by path, the best of the few that are left by testing.

It answers as a walk over all routers would, by priority (higher first) and name (lower first). The indexes
only narrow down whom to ask: whether a rule holds is for its test to say. Matching does not wait, so
that a change between two requests is all that a request can see.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from proxy.http1.request import Request
from proxy.routing.host_patterns import HostPatterns
from proxy.routing.path_index import PathIndex
from proxy.routing.request_attributes import Client
from proxy.routing.route import LAST, Order, Route, Routes, by_order, order_of, uncompiled
from proxy.routing.rule_scope import Hosts, hosts_of
from rondpoint.model import Router
from rondpoint.rules.request_normalisation import normalise_host, normalise_path

REMEMBERED = 4096
"""Hosts in other than their normal form that are known; clients can make up any number of them."""


class RoutingTable:
    """Routers by name, and the indexes over them."""

    def __init__(
        self, default_entry_points: frozenset[str], tls_entry_points: frozenset[str] = frozenset()
    ) -> None:
        """`default_entry_points` serve routers that name none; `tls_entry_points` speak TLS."""
        self._default_entry_points = default_entry_points
        self._tls_entry_points = tls_entry_points
        self._entry_points: dict[tuple[tuple[str, ...], bool], frozenset[str]] = {}
        self._routers: dict[str, Router] = {}
        # By the host as most clients write it. Most hosts have one router, and no need of a group.
        self._by_host: dict[bytes, Route | PathIndex] = {}
        self._by_pattern = HostPatterns()
        self._anywhere = PathIndex()
        self._orders_anywhere: list[Order] = []
        self._first_anywhere: Order = LAST
        self._spellings: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._routers)

    @property
    def routers(self) -> Mapping[str, Router]:
        """Every router held, by name, as they are now."""
        return MappingProxyType(self._routers)

    def put(self, router: Router) -> None:
        """Add or replace a router, at the cost of what its hosts hold. UnservedError changes nothing."""
        route = Route(router, self._points(router))
        hosts = hosts_of(router.rule.expression)
        self.remove(router.name)
        self._routers[router.name] = router
        if hosts is None:
            self._anywhere.add(route)
            insort(self._orders_anywhere, route.order)
            self._first_anywhere = self._orders_anywhere[0]
            return
        for key in _keys(hosts):
            self._put_under(key, route)
        for pattern in hosts.patterns:
            self._by_pattern.add(pattern, route)

    def remove(self, name: str) -> None:
        """Take a router out; a name that is not there is no fault."""
        router = self._routers.pop(name, None)
        if router is None:
            return
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

    def match(self, entry_point: str, request: Request, client: Client) -> Route | None:
        """The route that serves this request; host and path are compared in their normal form."""
        host = request.host
        own = self._by_host.get(host)
        if own is None:
            host = self._spellings.get(host) or self._spelled(host)
            own = self._by_host.get(host)
        patterns = self._by_pattern
        if not patterns.shards:
            groups: tuple[Routes, ...] = ()
        elif isinstance(own, Route):
            groups = patterns.groups_of(host, own)
        else:
            groups = patterns.groups(host)
        if (
            # What most requests find, with nobody else to ask; each look at an object may miss the cache.
            isinstance(own, Route)
            and own.test is None
            and (self._first_anywhere is LAST or own.order < self._first_anywhere)
            and not groups
            and entry_point in own.entry_points
        ):
            return own
        path = normalise_path(request.target)
        found: list[list[Route]] = []
        if isinstance(own, Route):
            found.append([own])
        elif own is not None:
            own.collect(path, found)
        for group in groups:
            group.collect(path, found)
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
                    test = route.compiled()
                if test is None or test(name, path, request, client):
                    return route
        return None

    def _points(self, router: Router) -> frozenset[str]:
        """One set for all routers on the same entry points."""
        key = (router.entry_points, router.tls)
        points = self._entry_points.get(key)
        if points is None:
            points = frozenset(router.entry_points) or self._default_entry_points
            points = self._entry_points[key] = points & self._tls_entry_points if router.tls else points
        return points

    def _spelled(self, host: bytes) -> bytes:
        if len(self._spellings) >= REMEMBERED:
            self._spellings.clear()
        name = self._spellings[host] = normalise_host(host).encode("latin-1")
        return name

    def _put_under(self, key: bytes, route: Route) -> None:
        there = self._by_host.get(key)
        if there is None:
            self._by_host[key] = route
            return
        if isinstance(there, Route):
            group = self._by_host[key] = PathIndex()
            group.add(there)
            there = group
        there.add(route)

    def _take_from(self, key: bytes, router: Router) -> None:
        there = self._by_host[key]
        if isinstance(there, PathIndex):
            there.discard(router)
            if there:
                return
        del self._by_host[key]


def _keys(hosts: Hosts) -> Iterator[bytes]:
    """Names that are not in their normal form are no request's."""
    for name in hosts.names:
        key = name.encode()
        if normalise_host(key) == name:
            yield key
