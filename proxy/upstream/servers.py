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
from proxy.balancing.strategies import STRATEGIES, in_turn
from proxy.upstream.endpoint import Address, Endpoint, Target, address_of
from proxy.upstream.pool import Pool
from rondpoint.model import Server, ServerState, Service

if TYPE_CHECKING:
    from proxy.balancing.strategies import Choose
    from proxy.deadlines import Sweeper

_DEFAULT_PORTS = {"http": 80, "https": 443, "h2c": 80}


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


@dataclass(slots=True, eq=False)
class ServedService:
    """A service with its `targets`, and its `rotation`: these in the order of tickets, one period long.

    `choose` is its way of choosing, None for the rotation's. `all_away` tells that no target takes new
    requests, so that passing over is of no use.
    """

    service: Service
    name: str
    targets: list[Target]
    rotation: tuple[Target, ...]
    pass_host_header: bool
    choose: Choose | None = None
    all_away: bool = False

    def look(self) -> None:
        """Tell `all_away` anew."""
        self.all_away = all(target.away for target in self.rotation)


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
        self._endpoints: dict[Address, Endpoint] = {}
        self._aside: set[Address] = set()
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

    def put_aside(self, address: Address, aside: bool) -> None:
        """Have the servers at this address, now and later, passed over where others serve; or no longer."""
        (self._aside.add if aside else self._aside.discard)(address)
        endpoint = self._endpoints.get(address)
        if endpoint is None:
            return
        endpoint.put_aside = aside
        for target in endpoint.targets:
            target.look()
        for name in {target.service for target in endpoint.targets}:
            if (served := self._places[name].served) is not None:
                served.look()

    def _serve(self, service: Service) -> ServedService:
        targets = [self._target(service.name, server) for server in service.servers]
        order = schedule([_weight(server) for server in service.servers])
        rotation = tuple(targets[index] for index in order)
        served = ServedService(service, service.name, targets, rotation, service.pass_host_header)
        served.look()
        served.choose = STRATEGIES.get(service.strategy, in_turn)(served)
        return served

    def _target(self, service: str, server: Server) -> Target:
        address = address_of(server)
        endpoint = self._endpoints.get(address)
        if endpoint is None:
            pool = Pool(
                (server.host, server.port),
                self._sweeper,
                self._timeouts.dial,
                self._timeouts.idle,
                self._tls() if server.scheme == "https" else None,
                self._timeouts.stall,
            )
            endpoint = self._endpoints[address] = Endpoint(pool, put_aside=address in self._aside)
        host = f"[{server.host}]" if ":" in server.host else server.host
        if server.port != _DEFAULT_PORTS[server.scheme]:
            host += f":{server.port}"
        draining = server.state is ServerState.DRAINING
        target = Target(
            server, service, endpoint, endpoint.pool, host.encode(), server.url, draining, away=draining
        )
        target.look()
        endpoint.targets.add(target)
        return target

    def _release(self, served: ServedService | None) -> None:
        for target in served.targets if served is not None else ():
            endpoint = target.endpoint
            endpoint.targets.discard(target)
            if not endpoint.targets:
                del self._endpoints[address_of(target.server)]
                endpoint.pool.close()

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context


def _weight(server: Server) -> int:
    # HTTP/2 is not spoken to servers yet, and HTTP/1.1 in its place would be an error on their side.
    return 0 if server.scheme == "h2c" else server.weight
