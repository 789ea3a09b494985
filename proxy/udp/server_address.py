"""Addresses of UDP servers, as sockets need them."""

from __future__ import annotations

import _socket
from contextlib import suppress
from typing import TYPE_CHECKING

from gevent import Timeout
from gevent.socket import getaddrinfo

from proxy.udp.shard_context import MustWaitError

if TYPE_CHECKING:
    from proxy.udp.routes import Route

RESOLUTION_SECONDS = 5.0
"""Seconds in which a server's name must have an address."""


def numeric(route: Route) -> tuple[int, str]:
    """Return family and host of a numeric address. Raises MustWaitError for a name."""
    host = route.server.host
    if ":" in host:
        return _socket.AF_INET6, host
    if route.is_name:
        raise MustWaitError
    return _socket.AF_INET, host


def resolve(route: Route) -> tuple[int, str]:
    """Return family and numeric host of a server, IPv4 before IPv6. Raises OSError if its name has none."""
    with suppress(MustWaitError):
        return numeric(route)
    try:
        # gevent's threads would print a traceback for a name with an empty or a long label.
        name = route.server.host.encode("idna")
    except UnicodeError as error:
        raise OSError(f"this cannot be a host name: {error}") from None
    with Timeout(RESOLUTION_SECONDS, OSError(f"no address of the name within {RESOLUTION_SECONDS:g} s")):
        found = getaddrinfo(name, None, type=_socket.SOCK_DGRAM)
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != _socket.AF_INET)
    return int(family), str(address[0])
