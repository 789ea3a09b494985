"""The parts of a worker that serve TCP routers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gevent.event import Event

from proxy.tcp.connector import Connector
from proxy.tcp.guards import Guards
from proxy.tcp.services import TcpServices
from proxy.tcp.table import TcpTable
from proxy.telemetry.connections.tallies import ConnectionTallies

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.ejection.ejections import Ejections
    from proxy.limits.in_flight_limits import InFlightLimits


class TcpParts:
    """Routers, middlewares and services, and the connector that uses the services; `tallies` count both.

    They are `settled` unless a change of the configuration is in progress. Meanwhile a router may still lack
    the middleware that guards the new servers of its service, so connections wait.
    """

    def __init__(
        self,
        default_entry_points: frozenset[str],
        services: TcpServices,
        tickets: Tickets,
        ejections: Ejections,
        limits: InFlightLimits,
        tallies: ConnectionTallies | None = None,
    ) -> None:
        self.table = TcpTable(default_entry_points)
        self.guards = Guards(limits)
        self.services = services
        self.connector = Connector(services, tickets, ejections)
        self.tallies = ConnectionTallies() if tallies is None else tallies
        self.settled = Event()
        self.settled.set()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let connections wait inside `with`."""
        self.settled.clear()
        try:
            yield
        finally:
            self.settled.set()

    def receivers(self) -> dict[str, Any]:
        """Return what uses the objects of the configuration, by section."""
        return {
            "tcp_routers": self.table,
            "tcp_services": self.services,
            "tcp_middlewares": self.guards,
        }
