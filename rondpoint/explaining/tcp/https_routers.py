"""Finds the HTTP routers over TLS that come before TCP routers, as in Traefik."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from rondpoint.explaining.tcp.connection_facts import wildcard_of
from rondpoint.model import Router
from rondpoint.rules.expression import And, Expression, Match, Not, Or
from rondpoint.rules.hosts import wildcard

_WILDCARD = re.compile(r"\^\[\^\.\]\+\\\.(?:[A-Za-z0-9_-]|\\.)*\$")
"""The regular expression of a host such as `*.example.com`."""


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
    for router in routers:
        yield_if_due()
        exist = True
        hosts = list(_hosts_in(router.rule.expression))
        if not hosts:
            anywhere.append(router.name)
        elif server_name and any(_names(host, server_name) for host in hosts):
            for_host.append(router.name)
    return HttpsRouters(min(for_host, default=""), min(anywhere, default=""), exist)


def _names(host: str, server_name: str) -> bool:
    return host == server_name or ("." in server_name and host == wildcard(wildcard_of(server_name)))


def _hosts_in(expression: Expression) -> Iterator[str]:
    """Yield all hosts in a rule, and the patterns of those with wildcards, also those in a negation."""
    match expression:
        case Match("Host", values):
            yield from values
        case Match("HostRegexp", values):
            yield from (value for value in values if _WILDCARD.fullmatch(value))
        case And(items) | Or(items):
            for item in items:
                yield from _hosts_in(item)
        case Not(item):
            yield from _hosts_in(item)
