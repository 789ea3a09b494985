"""What all UDP shards of a worker share: the choice of servers, and the counts of sessions."""

from __future__ import annotations

import logging
from errno import EMFILE, ENFILE
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from proxy.udp.routes import Route, UdpRouters, UdpServices, UnreachableServers
from rondpoint.store.connection_metrics import ConnectionKey

if TYPE_CHECKING:
    from proxy.telemetry.connections.tallies import ConnectionTallies
    from proxy.udp.session_table import SessionTable

log = logging.getLogger(__name__)

SERVER_WARNING_INTERVAL = 10.0
"""Seconds between two warnings that sessions to servers cannot be opened."""


class Tickets(Protocol):
    """Gives tickets; only while `degraded` is set does `take` not wait."""

    degraded: bool

    def take(self, service: str) -> int: ...


class MustWaitError(Exception):
    """A server can only be chosen in a greenlet of its own, because that waits for a ticket or a name."""


class ShardContext:
    """What all shards of a worker share. `buffer` receives datagrams, one at a time.

    `tallies` count sessions by router and server.
    """

    def __init__(
        self,
        routers: UdpRouters,
        services: UdpServices,
        tickets: Tickets,
        table: SessionTable,
        buffer: bytearray,
        tallies: ConnectionTallies,
    ) -> None:
        self.routers = routers
        self.services = services
        self.tickets = tickets
        self.table = table
        self.tallies = tallies
        self.buffer = buffer
        self.view = memoryview(buffer)
        self.unreachable = UnreachableServers()
        self._warned_at = -SERVER_WARNING_INTERVAL

    def choose_at_once(self, service: str) -> Route | None:
        """Choose a server without waiting. Raises MustWaitError."""
        return self.services.choose(service, self._take_at_once, self._is_avoided)

    def choose(self, service: str) -> Route | None:
        """Choose a server; wait for tickets if needed."""
        return self.services.choose(service, self.tickets.take, self._is_avoided)

    def report(self, route: Route, error: Exception) -> None:
        """Avoid a server with which no session can be opened, and log why."""
        if getattr(error, "errno", 0) not in {EMFILE, ENFILE}:
            self.avoid(route)
        if monotonic() - self._warned_at >= SERVER_WARNING_INTERVAL:
            self._warned_at = monotonic()
            log.warning(
                "service %s: a UDP session with %s failed: %s", route.service, route.server.address, error
            )

    def avoid(self, route: Route) -> None:
        """Avoid a server that could not be reached, and count that."""
        self.unreachable.add(route.address)
        self.tallies.count_failure(ConnectionKey("udp", "", route.service, route.url))

    def _take_at_once(self, service: str) -> int:
        if not self.tickets.degraded:
            raise MustWaitError
        return self.tickets.take(service)

    def _is_avoided(self, route: Route) -> bool:
        return route.address in self.unreachable
