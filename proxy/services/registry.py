"""The services of the current configuration as the data path uses them, and their connection pools.

Services that name the same address under the same transport share its pool. The pool closes when no service
uses it any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.balancing import least_load, rendezvous_hashing
from proxy.balancing.balanced_service import BalancedService
from proxy.balancing.composite_service import CompositeService
from proxy.balancing.round_robin import observing, round_robin
from proxy.balancing.server_arrivals import ServerArrivals
from proxy.balancing.sticky_cookie import Stickiness
from proxy.balancing.sticky_sessions import sticky_strategy
from proxy.balancing.strategies import STRATEGIES
from proxy.balancing.weighted_schedule import schedule
from proxy.services.endpoints import Endpoints
from proxy.services.service_slot import EMPTY_SLOT, ServiceSlot
from proxy.upstream.endpoint import Address, Target, address_of
from rondpoint.model import Server, ServerState, ServersTransport, Service
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.servers_transports.default import NAME

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper
    from proxy.upstream.pool import Pool
    from proxy.upstream.timeouts import UpstreamTimeouts

# Importing these modules registers their strategies in STRATEGIES.
_ = (least_load, rendezvous_hashing)

log = logging.getLogger(__name__)

_DEFAULT_PORTS = {"http": 80, "https": 443, "h2c": 80}


class ServiceRegistry:
    """Services by name. The cost of replacing a service depends only on the number of its servers.

    A service is built at its first request: of many thousand services, most never get one in a given worker.
    `on_address_removed` is called with an address that no service has any more. `contexts` holds the default
    transport. A service whose transport cannot be used has no targets.
    """

    def __init__(
        self, sweeper: Sweeper, timeouts: UpstreamTimeouts, contexts: ClientContexts | None = None
    ) -> None:
        contexts = ClientContexts(ServersTransport(NAME)) if contexts is None else contexts
        self._services: dict[str, Service] = {}
        self._faults: dict[str, str] = {}
        self._slots: dict[str, ServiceSlot] = {}
        self._endpoints = Endpoints(sweeper, contexts, timeouts.stall)
        self._ejected: set[Address] = set()
        self._failing: set[tuple[str, Address]] = set()
        self._arrivals = ServerArrivals()
        self.on_address_removed: Callable[[Address], None] = _ignore

    @property
    def by_name(self) -> Mapping[str, Service]:
        """A live view of all services by name."""
        return MappingProxyType(self._services)

    def get(self, name: str) -> BalancedService | None:
        """Return the service, built if necessary; None if there is none of this name."""
        return self.get_slot(name).served

    def get_slot(self, name: str) -> ServiceSlot:
        """Return the slot that holds this service, built if necessary; EMPTY_SLOT if there is none."""
        slot = self._slots.get(name)
        if slot is None:
            service = self._services.get(name)
            if service is None:
                return EMPTY_SLOT
            slot = self._slots[name] = ServiceSlot()
            slot.served = self._build(service)
        return slot

    def put(self, service: Service) -> None:
        """Add or replace a service; connections to servers that stay remain open."""
        if service.slow_start and (previous := self._services.get(service.name)) is not None:
            self._arrivals.record_new_servers(previous, service)
        self._services[service.name] = service
        self._note_fault(service)
        slot = self._slots.get(service.name)
        if slot is not None:
            before, slot.served = slot.served, self._build(service)
            self._release(before)

    def remove(self, name: str) -> None:
        """Remove a service; an unknown name is no error."""
        self._services.pop(name, None)
        self._faults.pop(name, None)
        slot = self._slots.pop(name, None)
        if slot is not None:
            before, slot.served = slot.served, None
            self._release(before)

    @property
    def faults(self) -> Mapping[str, str]:
        """The services whose transport cannot be used, and why not; they have no targets."""
        return MappingProxyType(self._faults)

    def set_ejected(self, address: Address, ejected: bool, service: str = "") -> None:
        """Eject all present and future servers at this address, or make them available again.

        If `service` is not empty, only those of this service.
        """
        if service:
            (self._failing.add if ejected else self._failing.discard)((service, address))
        else:
            (self._ejected.add if ejected else self._ejected.discard)(address)
        if not ejected:
            self._arrivals.record(address)
        targets: list[Target] = []
        for endpoint in self._endpoints.at(address):
            if not service:
                endpoint.ejected = ejected
            targets += (target for target in endpoint.targets if service in ("", target.service))
        for target in targets:
            if service:
                target.failing = ejected
            self._set_warm_at(target)
            target.refresh()
        for name in {target.service for target in targets}:
            if (served := self._slots[name].served) is not None:
                served.refresh()

    def uses(self, service: str, pool: Pool) -> bool:
        """Return whether this pool has the connections to one of the service's servers."""
        slot = self._slots.get(service)
        served = None if slot is None else slot.served
        return served is not None and any(target.pool is pool for target in served.targets)

    def _note_fault(self, service: Service) -> None:
        fault = self._endpoints.fault(service)
        if not fault:
            self._faults.pop(service.name, None)
        elif self._faults.get(service.name) != fault:
            self._faults[service.name] = fault
            log.error("service %s responds with 503: %s", service.name, fault)

    def _build(self, service: Service) -> BalancedService:
        servers = [server for server in service.servers if server.state is not ServerState.DOWN]
        if service.name in self._faults:
            servers = []
        targets = [self._build_target(service, server) for server in servers]
        order = schedule([server.weight for server in servers])
        rotation = tuple(targets[index] for index in order)
        strategy = STRATEGIES.get(service.strategy, round_robin)
        if service.passive_health_check is not None:
            strategy = observing(strategy)
        served = BalancedService(service, service.name, targets, rotation, service.pass_host_header, strategy)
        if service.composition is not None:
            served.composite = CompositeService(service)
        elif service.sticky is not None:
            members = ((target.server.name, target) for target in rotation)
            served.sticky = Stickiness(service.sticky, service.name, members)
            served.strategy = sticky_strategy(served.sticky, strategy)
        served.refresh()
        return served

    def _build_target(self, service: Service, server: Server) -> Target:
        address = address_of(server)
        endpoint = self._endpoints.open(server, service.transport, ejected=address in self._ejected)
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
            failing=(service.name, address) in self._failing,
        )
        self._set_warm_at(target)
        target.refresh()
        endpoint.targets.add(target)
        return target

    def _set_warm_at(self, target: Target) -> None:
        """Set the end of the target's slow start, if its service has one."""
        if target.slow_start:
            arrived = self._arrivals.arrived_at(address_of(target.server))
            target.warm_at = 0.0 if arrived is None else arrived + target.slow_start

    def _release(self, served: BalancedService | None) -> None:
        for target in served.targets if served is not None else ():
            endpoint = target.endpoint
            endpoint.targets.discard(target)
            address = address_of(target.server)
            if self._endpoints.close_if_unused(endpoint, address):
                self.on_address_removed(address)
                # After the call, which may end an ejection, and that counts as an arrival.
                self._arrivals.forget(address)


def _ignore(address: Address) -> None:
    pass
