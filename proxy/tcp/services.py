"""The TCP services of the configuration as workers use them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.ejection.ejections import TCP
from proxy.tcp.dialler import Dialler
from proxy.tcp.served_service import PREFIX, ServedService, TcpTarget
from proxy.upstream.server_tls import ServerTls
from rondpoint.model import MAX_COMPOSITION_DEPTH, ServerState
from rondpoint.tcp.model import TcpServersTransport

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.net.deadlines import Sweeper
    from proxy.upstream.endpoint import Address
    from rondpoint.servers_transports.contexts import ClientContexts
    from rondpoint.tcp.model import TcpServer, TcpService

log = logging.getLogger(__name__)

_DEFAULT_TRANSPORT = TcpServersTransport("default@internal")


def _ignore(_address: Address) -> None:
    pass


class TcpServices:
    """Services by name; each is built at its first connection. `contexts` are for TLS to servers.

    A service that is not served, or whose transport cannot be used, has no targets. `on_address_removed` is
    called with an address that no service has any more.
    """

    def __init__(self, sweeper: Sweeper, contexts: ClientContexts) -> None:
        self._sweeper = sweeper
        self._contexts = contexts
        self._services: dict[str, TcpService] = {}
        self._served: dict[str, ServedService] = {}
        self._faults: dict[str, str] = {}
        self._targets: dict[Address, set[TcpTarget]] = {}
        self._ejected: set[Address] = set()
        self._failing: set[tuple[str, Address]] = set()
        self.on_address_removed: Callable[[Address], None] = _ignore

    @property
    def faults(self) -> Mapping[str, str]:
        """The services that take no connections, and why not."""
        return MappingProxyType(self._faults)

    def put(self, service: TcpService) -> None:
        """Add or replace a service; its open connections go on."""
        self._services[service.name] = service
        self._note_fault(service)
        before = self._served.pop(service.name, None)
        if before is not None:
            # First the new targets: an address that stays keeps its ejection.
            self._served[service.name] = self._build(service)
            self._release(before)

    def remove(self, name: str) -> None:
        """Remove a service; ignore an unknown name. Its open connections go on."""
        self._services.pop(name, None)
        self._faults.pop(name, None)
        before = self._served.pop(name, None)
        if before is not None:
            self._release(before)

    def get(self, name: str) -> ServedService | None:
        """Return the service, built if necessary; None if there is none of this name."""
        served = self._served.get(name)
        if served is None and (service := self._services.get(name)) is not None:
            served = self._served[name] = self._build(service)
        return served

    def find(self, name: str, tickets: Tickets) -> ServedService | None:
        """Return the service with servers that takes the next connection of the service `name`.

        For a composite service this is one of its members; None if there is none.
        """
        served = self.get(name)
        for _ in range(MAX_COMPOSITION_DEPTH):
            if served is None or not served.rotation:
                return served
            names = served.members_in_order(tickets)
            # If no member has an available server, ejected and draining ones are better than none.
            chosen = next((each for each in names if self._takes_share(each)), names[0])
            served = self.get(chosen)
        return None

    def set_ejected(self, address: Address, ejected: bool, service: str = "") -> None:
        """Eject the servers at this address, or make them available again; all, or those of one service."""
        if service:
            (self._failing.add if ejected else self._failing.discard)((service, address))
        else:
            (self._ejected.add if ejected else self._ejected.discard)(address)
        for target in self._targets.get(address, ()):
            if not service:
                target.ejected = ejected
            elif target.service == service:
                target.failing = ejected
            self._served[target.service.removeprefix(PREFIX)].refresh()

    def uses(self, service: str, pool: Dialler, /) -> bool:
        """Return whether the service connects to one of its servers by this dialler."""
        served = self._served.get(service.removeprefix(PREFIX))
        return served is not None and any(target.pool is pool for target in served.targets)

    def _takes_share(self, name: str) -> bool:
        """Return whether the service, or one of its members, has a server for new connections, or refuses."""
        seen: set[str] = set()
        left = [name]
        while left:
            current = left.pop()
            served = None if current in seen else self.get(current)
            seen.add(current)
            if served is None:
                continue
            if served.members:
                left += served.members
            elif served.refuses or not served.all_unavailable:
                return True
        return False

    def _note_fault(self, service: TcpService) -> None:
        fault = self._fault(service)
        if not fault:
            self._faults.pop(service.name, None)
        elif self._faults.get(service.name) != fault:
            self._faults[service.name] = fault
            log.error("TCP service %s takes no connections: %s", service.name, fault)

    def _fault(self, service: TcpService) -> str:
        transport = service.transport or _DEFAULT_TRANSPORT
        reason = service.unserved or transport.unserved
        if not reason and any(server.tls for server in service.servers):
            try:
                self._contexts.get(transport.tls, http=False)
            except ValueError as error:
                reason = f"its serversTransport {transport.name}: {error}"
        return reason

    def _build(self, service: TcpService) -> ServedService:
        served = service.name not in self._faults
        servers = [server for server in service.servers if server.state is not ServerState.DOWN]
        if service.members or not served:
            servers = []
        targets = tuple(self._build_target(service, server) for server in servers)
        for target in targets:
            self._targets.setdefault(target.address, set()).add(target)
        return ServedService(service, targets, served=served)

    def _build_target(self, service: TcpService, server: TcpServer) -> TcpTarget:
        transport = service.transport or _DEFAULT_TRANSPORT
        tls = None
        if server.tls:
            options = transport.tls or self._contexts.default
            context = self._contexts.get(options, http=False)
            tls = ServerTls(context, options.server_name, options.peer_cert_uri)
        address = (TCP, server.host, server.port)
        key = PREFIX + service.name
        return TcpTarget(
            server,
            key,
            f"{TCP}://{server.address}",
            address,
            Dialler((server.host, server.port), self._sweeper, transport, tls),
            address in self._ejected,
            (key, address) in self._failing,
        )

    def _release(self, served: ServedService) -> None:
        for target in served.targets:
            target.pool.closed = True
            targets = self._targets[target.address]
            targets.discard(target)
            if not targets:
                del self._targets[target.address]
                self.on_address_removed(target.address)
