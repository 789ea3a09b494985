"""Finds the TLS options of each host from the routers that name them, as Traefik does.

A handshake shows the server name and nothing else of the request, so all routers of a host have to agree on
the options. If they do not, all of them get the default options, also on their other hosts. A router whose
rule has no `Host` gets the default options, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rondpoint.rules.expression import And, Expression, Match, Not, Or
from rondpoint.tls.model import DEFAULT_OPTIONS


def hosts_in(expression: Expression) -> Iterator[str]:
    """Yield the values of every `Host` in a rule, also of those in a negation."""
    match expression:
        case Match("Host", values):
            yield from values
        case And(items) | Or(items):
            for item in items:
                yield from hosts_in(item)
        case Not(item):
            yield from hosts_in(item)


class _Router(NamedTuple):
    hosts: tuple[str, ...]
    options: str


class OptionsByHost:
    """The TLS options of the hosts of one entry point; `options` are names, DEFAULT_OPTIONS among them."""

    def __init__(self) -> None:
        self._routers: dict[str, _Router] = {}
        self._by_host: dict[str, dict[str, None]] = {}
        self._of_router: dict[str, str] = {}
        self._of_host: dict[str, str] = {}

    def put(self, router: str, expression: Expression, options: str) -> None:
        """Add or replace a router with this rule, which names these options."""
        self.remove(router)
        hosts = tuple(dict.fromkeys(hosts_in(expression)))
        self._routers[router] = _Router(hosts, options)
        for host in hosts:
            self._by_host.setdefault(host, {})[router] = None

    def remove(self, router: str) -> None:
        """Remove a router; ignore an unknown name."""
        self._of_router.clear()
        self._of_host.clear()
        removed = self._routers.pop(router, None)
        for host in removed.hosts if removed is not None else ():
            routers = self._by_host[host]
            del routers[router]
            if not routers:
                del self._by_host[host]

    def of_host(self, host: str) -> str:
        """Return the options for connections with this server name, in lower case."""
        found = self._of_host.get(host)
        if found is None:
            routers = self._by_host.get(host)
            if routers is None:
                return DEFAULT_OPTIONS
            # A router that disagrees on another host leaves the options to the others here.
            options = (each for each in map(self.of_router, routers) if each != DEFAULT_OPTIONS)
            found = self._of_host[host] = next(options, DEFAULT_OPTIONS)
        return found

    def of_router(self, router: str) -> str:
        """Return the options with which connections for requests of this router must have been made."""
        found = self._of_router.get(router)
        if found is None:
            known = self._routers.get(router)
            if known is None:
                return DEFAULT_OPTIONS
            agreed = bool(known.hosts) and not any(map(self._is_disputed, known.hosts))
            found = self._of_router[router] = known.options if agreed else DEFAULT_OPTIONS
        return found

    def disputed_hosts(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield each host whose routers name different options, with the options of each router."""
        for host, routers in self._by_host.items():
            if self._is_disputed(host):
                yield host, {router: self._routers[router].options for router in routers}

    def _is_disputed(self, host: str) -> bool:
        routers = self._by_host[host]
        return len(routers) > 1 and len({self._routers[router].options for router in routers}) > 1
