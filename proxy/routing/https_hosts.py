"""The hosts of HTTP routers over TLS, by entry point: a TCP router does not take their connections.

Nothing is kept until a TCP router needs it: most installations have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rondpoint.rules.https_hosts import https_hosts

if TYPE_CHECKING:
    from rondpoint.model import Router


class HttpsHosts:
    """The hosts of one entry point's routers over TLS.

    `routers` is the number of these routers, `anywhere` the number of those that name no host.
    """

    __slots__ = ("_names", "anywhere", "routers")

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()
        self.anywhere = 0
        self.routers = 0

    def includes(self, server_name: str) -> bool:
        """Return whether a router names this host, in lower case, or a wildcard that matches it."""
        names = self._names
        return bool(names[server_name] or names["*." + server_name.partition(".")[2]])

    def count(self, hosts: frozenset[str], number: int) -> None:
        """Add a router with these hosts, or remove it: `number` is 1 or -1."""
        self.routers += number
        if not hosts:
            self.anywhere += number
        for host in hosts:
            self._names[host] += number
            if not self._names[host]:
                del self._names[host]


class HttpsHostsByEntryPoint:
    """Follows the routers of the routing table, once `follow` was called.

    On the entry points `for_all`, all routers use TLS.
    """

    def __init__(self, default_entry_points: frozenset[str], for_all: Mapping[str, str]) -> None:
        self._default_entry_points = default_entry_points
        self._for_all = for_all
        self._by_entry_point: dict[str, HttpsHosts] = {}
        self._follows = False

    def follow(self, routers: Iterable[Router]) -> None:
        """Begin to follow the routers; these are all that were added before."""
        if not self._follows:
            self._follows = True
            for router in routers:
                self.put(router)

    def of(self, entry_point: str) -> HttpsHosts:
        """Return the hosts of an entry point, which follow all changes."""
        hosts = self._by_entry_point.get(entry_point)
        if hosts is None:
            hosts = self._by_entry_point[entry_point] = HttpsHosts()
        return hosts

    def put(self, router: Router) -> None:
        """Add a router, which must be new."""
        self._count(router, 1)

    def remove(self, router: Router) -> None:
        """Remove a router, which must be present."""
        self._count(router, -1)

    def _count(self, router: Router, number: int) -> None:
        if not self._follows or router.parents or not (router.tls or self._for_all):
            return
        of_router = router.entry_points or self._default_entry_points
        points = {point for point in of_router if router.tls or point in self._for_all}
        hosts = frozenset(https_hosts(router.rule.expression)) if points else frozenset()
        for point in points:
            self.of(point).count(hosts, number)
