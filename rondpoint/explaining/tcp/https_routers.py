"""Finds the HTTP routers over TLS that come before TCP routers, as in Traefik."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from rondpoint.explaining.tcp.connection_facts import wildcard_of
from rondpoint.model import Router
from rondpoint.rules.https_hosts import https_hosts


class HttpsRouters(Struct, frozen=True):
    """HTTP routers over TLS of one entry point: the first by name for the host, and without a host.

    `exist` says whether there is any.
    """

    for_host: str = ""
    anywhere: str = ""
    exist: bool = False


def find_https_routers(
    routers: Iterable[Router], server_name: str, yield_if_due: Callable[[], None]
) -> HttpsRouters:
    """Return those of `routers` that come before TCP routers for a connection with this server name."""
    for_host, anywhere = [], []
    exist = False
    wanted = {server_name, wildcard_of(server_name)} if server_name else frozenset()
    for router in routers:
        yield_if_due()
        exist = True
        hosts = frozenset(https_hosts(router.rule.expression))
        if not hosts:
            anywhere.append(router.name)
        elif not wanted.isdisjoint(hosts):
            for_host.append(router.name)
    return HttpsRouters(min(for_host, default=""), min(anywhere, default=""), exist)
