"""The services of the present configuration as the data path uses them, and the pools behind them.

Two services that name the same address share its pool; a pool is closed when the last of them lets go.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.balancing.schedule import schedule
from proxy.upstream.pool import Pool
from rondpoint.model import Scheme, Server, ServerState, Service

if TYPE_CHECKING:
    from proxy.deadlines import Sweeper

_DEFAULT_PORTS = {"http": 80, "https": 443, "h2c": 80}

Address = tuple[Scheme, str, int]


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """Seconds, 0 for none: to connect, to wait for a response head, to keep an idle connection; and for a
    server to take nothing of a request, or to pause within a response.
    """

    dial: float = 30.0
    response_header: float = 0.0
    idle: float = 90.0
    stall: float = 0.0
    pause: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A server to send to; `host` is its own Host header, `url` what logs call it."""

    server: Server
    pool: Pool
    host: bytes
    url: str
    draining: bool


@dataclass(frozen=True, slots=True, eq=False)
class ServedService:
    """A service with its `rotation`: targets in the order of tickets, one period long.

    `draining` tells that all of them are, so that passing over is of no use.
    """

    service: Service
    name: str
    rotation: tuple[Target, ...]
    pass_host_header: bool
    all_draining: bool


class Place:
    """Where a service is found without looking for its name; `served` is None where it is not ready.

    A place is kept while its service is there, and follows its replacements; afterwards it stays empty, and
    whoever holds it asks for another.
    """

    __slots__ = ("served",)

    def __init__(self) -> None:
        self.served: ServedService | None = None


NOWHERE = Place()
"""No service is ever there."""


class Services:
    """Services by name. Replacing one costs its servers, whatever else there is.

    A service is made ready when it is first asked for: most of many thousands never are in one worker.
    """

    def __init__(self, sweeper: Sweeper, timeouts: UpstreamTimeouts) -> None:
        self._sweeper = sweeper
        self._timeouts = timeouts
        self._services: dict[str, Service] = {}
        self._places: dict[str, Place] = {}
        self._pools: dict[Address, Pool] = {}
        self._users: dict[Address, int] = {}
        self._context: ssl.SSLContext | None = None

    @property
    def known(self) -> Mapping[str, Service]:
        """Every service held, by name, as they are now."""
        return MappingProxyType(self._services)

    def get(self, name: str) -> ServedService | None:
        """A service, made ready; None where there is none of this name."""
        return self.ready(name).served

    def ready(self, name: str) -> Place:
        """The place of a service that is ready there; NOWHERE if none has this name."""
        place = self._places.get(name)
        if place is None:
            service = self._services.get(name)
            if service is None:
                return NOWHERE
            place = self._places[name] = Place()
            place.served = self._serve(service)
        return place

    def put(self, service: Service) -> None:
        """Add or replace a service; connections to servers that stay are kept."""
        self._services[service.name] = service
        place = self._places.get(service.name)
        if place is not None:
            before, place.served = place.served, self._serve(service)
            self._release(before)

    def remove(self, name: str) -> None:
        """Take a service out; a name that is not there is no fault."""
        self._services.pop(name, None)
        place = self._places.pop(name, None)
        if place is not None:
            before, place.served = place.served, None
            self._release(before)

    def _serve(self, service: Service) -> ServedService:
        targets = [self._target(server) for server in service.servers]
        order = schedule([_weight(server) for server in service.servers])
        return ServedService(
            service=service,
            name=service.name,
            rotation=tuple(targets[index] for index in order),
            pass_host_header=service.pass_host_header,
            all_draining=all(target.draining for target in targets),
        )

    def _target(self, server: Server) -> Target:
        address = (server.scheme, server.host, server.port)
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = Pool(
                (server.host, server.port),
                self._sweeper,
                self._timeouts.dial,
                self._timeouts.idle,
                self._tls() if server.scheme == "https" else None,
                self._timeouts.stall,
            )
        self._users[address] = self._users.get(address, 0) + 1
        host = f"[{server.host}]" if ":" in server.host else server.host
        if server.port != _DEFAULT_PORTS[server.scheme]:
            host += f":{server.port}"
        return Target(server, pool, host.encode(), server.url, server.state is ServerState.DRAINING)

    def _release(self, served: ServedService | None) -> None:
        for server in served.service.servers if served is not None else ():
            address = (server.scheme, server.host, server.port)
            self._users[address] -= 1
            if not self._users[address]:
                del self._users[address]
                self._pools.pop(address).close()

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context


def _weight(server: Server) -> int:
    # HTTP/2 is not spoken to servers yet, and HTTP/1.1 in its place would be an error on their side.
    return 0 if server.scheme == "h2c" else server.weight
