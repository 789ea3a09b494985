"""The services of the present configuration as the data path uses them, and the pools behind them.

Two services that name the same address share its pool; a pool is closed when the last of them lets go.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.balancing import least_load, rendezvous_hashing
from proxy.balancing.balanced_service import BalancedService
from proxy.balancing.composite_service import CompositeService
from proxy.balancing.round_robin import round_robin
from proxy.balancing.server_arrivals import ServerArrivals
from proxy.balancing.sticky_cookie import Stickiness
from proxy.balancing.sticky_sessions import sticky_strategy
from proxy.balancing.strategies import STRATEGIES
from proxy.balancing.weighted_schedule import schedule
from proxy.services.service_slot import EMPTY_SLOT, ServiceSlot
from proxy.upstream.endpoint import Address, Endpoint, Target, address_of
from proxy.upstream.pool import Pool
from rondpoint.model import Server, ServerState, Service

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper
    from proxy.upstream.timeouts import UpstreamTimeouts

# Their strategies are in STRATEGIES once they are imported.
_ = (least_load, rendezvous_hashing)

_DEFAULT_PORTS = {"http": 80, "https": 443, "h2c": 80}


class ServiceRegistry:
    """Services by name. Replacing one costs its servers, whatever else there is.

    A service is made ready when it is first asked for: most of many thousands never are in one worker.
    `on_gone` is called with an address that no service has any more.
    """

    def __init__(self, sweeper: Sweeper, timeouts: UpstreamTimeouts) -> None:
        self._sweeper = sweeper
        self._timeouts = timeouts
        self._services: dict[str, Service] = {}
        self._places: dict[str, ServiceSlot] = {}
        self._endpoints: dict[Address, Endpoint] = {}
        self._ejected: set[Address] = set()
        self._arrivals = ServerArrivals()
        self.on_address_removed: Callable[[Address], None] = _nothing
        self._context: ssl.SSLContext | None = None

    @property
    def known(self) -> Mapping[str, Service]:
        """Every service held, by name, as they are now."""
        return MappingProxyType(self._services)

    def get(self, name: str) -> BalancedService | None:
        """A service, made ready; None where there is none of this name."""
        return self.ready(name).served

    def ready(self, name: str) -> ServiceSlot:
        """The place of a service that is ready there; NOWHERE if none has this name."""
        place = self._places.get(name)
        if place is None:
            service = self._services.get(name)
            if service is None:
                return EMPTY_SLOT
            place = self._places[name] = ServiceSlot()
            place.served = self._serve(service)
        return place

    def put(self, service: Service) -> None:
        """Add or replace a service; connections to servers that stay are kept."""
        if service.slow_start and (known := self._services.get(service.name)) is not None:
            self._arrivals.compare(known, service)
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

    def set_ejected(self, address: Address, ejected: bool) -> None:
        """Have the servers at this address, now and later, passed over where others serve; or no longer."""
        (self._ejected.add if ejected else self._ejected.discard)(address)
        if not ejected:
            self._arrivals.note(address)
        endpoint = self._endpoints.get(address)
        if endpoint is None:
            return
        endpoint.ejected = ejected
        for target in endpoint.targets:
            self._time(target)
            target.refresh()
        for name in {target.service for target in endpoint.targets}:
            if (served := self._places[name].served) is not None:
                served.refresh()

    def _serve(self, service: Service) -> BalancedService:
        servers = [server for server in service.servers if server.state is not ServerState.DOWN]
        targets = [self._target(service, server) for server in servers]
        order = schedule([_weight(server) for server in servers])
        rotation = tuple(targets[index] for index in order)
        strategy = STRATEGIES.get(service.strategy, round_robin)
        served = BalancedService(service, service.name, targets, rotation, service.pass_host_header, strategy)
        if service.composition is not None:
            served.composed = CompositeService(service)
        elif service.sticky is not None:
            members = ((target.server.name, target) for target in rotation)
            served.sticky = Stickiness(service.sticky, service.name, members)
            served.strategy = sticky_strategy(served.sticky, strategy)
        served.refresh()
        return served

    def _target(self, service: Service, server: Server) -> Target:
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
            endpoint = self._endpoints[address] = Endpoint(pool, ejected=address in self._ejected)
        host = f"[{server.host}]" if ":" in server.host else server.host
        if server.port != _DEFAULT_PORTS[server.scheme]:
            host += f":{server.port}"
        draining = server.state is ServerState.DRAINING
        target = Target(
            server,
            service.name,
            endpoint,
            endpoint.pool,
            host.encode(),
            server.url,
            draining,
            unavailable=draining,
            slow_start=service.slow_start,
        )
        self._time(target)
        target.refresh()
        endpoint.targets.add(target)
        return target

    def _time(self, target: Target) -> None:
        """Tell when its slow start is over, if it has one."""
        if target.slow_start:
            since = self._arrivals.since(address_of(target.server))
            target.warm_at = 0.0 if since is None else since + target.slow_start

    def _release(self, served: BalancedService | None) -> None:
        for target in served.targets if served is not None else ():
            endpoint = target.endpoint
            endpoint.targets.discard(target)
            if not endpoint.targets:
                address = address_of(target.server)
                del self._endpoints[address]
                endpoint.pool.close()
                self.on_address_removed(address)

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context


def _nothing(address: Address) -> None:
    pass


def _weight(server: Server) -> int:
    # HTTP/2 is not spoken to servers yet, and HTTP/1.1 in its place would be an error on their side.
    return 0 if server.scheme == "h2c" else server.weight
