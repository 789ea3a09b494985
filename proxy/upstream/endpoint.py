"""One address that servers have: what is known of it outlives any change of the services that name it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rondpoint.model import Scheme, Server

if TYPE_CHECKING:
    from proxy.upstream.pool import Pool

Address = tuple[Scheme, str, int]


@dataclass(slots=True, eq=False)
class Endpoint:
    """An address and its connections.

    `targets` are the servers of present services that have it; `put_aside` tells that none of them takes
    new requests while others do; `active` counts requests under way, for services whose strategy asks.
    """

    pool: Pool
    targets: set[Target] = field(default_factory=set)
    put_aside: bool = False
    active: int = 0


@dataclass(slots=True, eq=False)
class Target:
    """A server of the service so named, to send to; `host` is its own Host header, `url` what logs call it.

    `draining` is the server's own state; `away` is what the data path looks at: that it takes no new requests
    for now, for whatever reason. `pool` is the endpoint's.
    """

    server: Server
    service: str
    endpoint: Endpoint
    pool: Pool
    host: bytes
    url: str
    draining: bool
    away: bool

    def look(self) -> None:
        """Tell `away` anew."""
        self.away = self.draining or self.endpoint.put_aside


def address_of(server: Server) -> Address:
    """Where it is reached; servers of several services may share it."""
    return (server.scheme, server.host, server.port)
