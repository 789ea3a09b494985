"""The parts of a worker that requests to services need, in this process and without a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import gevent

from proxy.balancing.ticket_connection import TicketConnection
from proxy.balancing.tickets import Tickets
from proxy.ejection.ejections import Ejections
from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.telemetry.tallies import Tallies
from proxy.upstream.timeouts import UpstreamTimeouts


def _no_store() -> TicketConnection:
    raise ConnectionError("these tests have no store")


@dataclass
class LocalWorker:
    """Services, tickets from a local count, ejections and tallies; deadlines are checked while it runs."""

    sweeper: Sweeper = field(default_factory=Sweeper)
    tallies: Tallies = field(default_factory=Tallies)

    def __post_init__(self) -> None:
        self.services = ServiceRegistry(self.sweeper, UpstreamTimeouts())
        self.ejections = Ejections(self.services, "me")
        self.tickets = Tickets(_no_store, "tickets", lambda: None)

    @contextmanager
    def running(self) -> Iterator[None]:
        task = gevent.spawn(self.sweeper.run)
        try:
            yield
        finally:
            for name in list(self.services.by_name):
                self.services.remove(name)
            task.kill()
