"""Finds the routers whose hosts get each certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rondpoint.model import Router
from rondpoint.tls.model import Certificate
from rondpoint.tls.options_by_host import hosts_in

Choose = Callable[[str, str], Iterable[Certificate]]
"""Returns the certificates for a client of an entry point (its name) with a server name."""


def users_by_certificate(
    routers: Iterable[Router],
    tls_points_of: Callable[[Router], Iterable[str]],
    choose: Choose,
) -> Mapping[str, tuple[str, ...]]:
    """Return, by the names of certificates, the sorted names of the routers with a host that gets them.

    `tls_points_of` returns the entry points on which a router takes requests over TLS.
    """
    users: dict[str, dict[str, None]] = {}
    for router in routers:
        for point in tls_points_of(router):
            for host in hosts_in(router.rule.expression):
                for certificate in choose(point, host):
                    users.setdefault(certificate.name, {})[router.name] = None
    return {name: tuple(sorted(found)) for name, found in users.items()}
