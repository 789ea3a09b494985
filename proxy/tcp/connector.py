"""Finds a server for each connection of a TCP router, and connects to it."""

from __future__ import annotations

import logging
from random import shuffle
from typing import TYPE_CHECKING

from proxy.tcp.guards import NoServerError
from proxy.upstream.connection import DialError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from proxy.balancing.tickets import Tickets
    from proxy.ejection.ejections import Ejections
    from proxy.net.proxy_protocol_header import Addresses
    from proxy.net.stream import Stream
    from proxy.tcp.served_service import ServedService, TcpTarget
    from proxy.tcp.services import TcpServices
    from proxy.telemetry.connections.record import ConnectionRecord
    from proxy.upstream.endpoint import Address

log = logging.getLogger(__name__)


class Connector:
    """Connects clients to the servers of `services`; unreachable ones are ejected."""

    def __init__(self, services: TcpServices, tickets: Tickets, ejections: Ejections) -> None:
        self._services = services
        self._tickets = tickets
        self._ejections = ejections
        self._unreachable: set[str] = set()

    def connect(
        self, name: str, client: Callable[[], Addresses], record: ConnectionRecord
    ) -> tuple[Stream, TcpTarget]:
        """Return a connection to a server of this service, and the server. Raises NoServerError.

        Each server is tried once: it has not got anything of the client, whose addresses `client` returns.
        `record` counts failed attempts.
        """
        service = self._services.find(name, self._tickets)
        target = None if service is None else service.choose(self._tickets)
        if service is None or target is None:
            raise NoServerError(self._services.faults.get(name) or f"service {name} has no available server")
        tried: set[Address] = set()
        while True:
            try:
                stream = target.pool.dial(client)
            except DialError as error:
                self._ejections.dial_failed(target, error)
                record.dial_failed(service.name, target.url)
                tried.add(target.address)
                log.debug("server %s of TCP service %s: %s", target.url, service.name, error)
                # The dial may have taken so long that the service has other servers now.
                service = self._services.get(service.name) or service
                following = _untried(service, tried)
                if following is None:
                    self._report_outage(service.name, error)
                    raise NoServerError(f"no server of {service.name} can be reached: {error}") from None
                target = following
                continue
            if self._unreachable and service.name in self._unreachable:
                self._unreachable.discard(service.name)
                log.info("TCP service %s: server %s can be reached again", service.name, target.url)
            return stream, target

    def _report_outage(self, service: str, error: DialError) -> None:
        if service not in self._unreachable:
            self._unreachable.add(service)
            log.warning("TCP service %s: no server can be reached, the last: %s", service, error)


def _untried(service: ServedService, tried: Container[Address]) -> TcpTarget | None:
    """Return a target at an address that was not tried yet, or None.

    It is a random one, so that no single server gets all connections of a failed one.
    """
    left = [target for target in service.available if target.address not in tried]
    shuffle(left)
    return left[0] if left else None
