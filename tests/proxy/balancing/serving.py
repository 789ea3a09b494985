"""Services built as a worker builds them, on which tests call the strategy."""

from collections.abc import Iterator
from contextlib import contextmanager

from proxy.balancing.balanced_service import BalancedService
from proxy.balancing.ticket_connection import TicketConnection
from proxy.balancing.tickets import Tickets
from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.upstream.endpoint import Target
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import Server, Service


def servers(*weights: int) -> tuple[Server, ...]:
    """Servers of these weights, named `s0` and so on."""
    return tuple(
        Server(f"s{number}", "127.0.0.1", 1000 + number, weight=weight)
        for number, weight in enumerate(weights)
    )


class ServiceUnderTest:
    """A service whose strategy tests call; its tickets come from the local count."""

    def __init__(self, services: ServiceRegistry, name: str) -> None:
        self.services = services
        self._name = name
        self._tickets = Tickets(_unreachable, "tickets", lambda: None)

    @property
    def served(self) -> BalancedService:
        served = self.services.get(self._name)
        assert served is not None
        return served

    def target(self, name: str) -> Target:
        (found,) = (target for target in self.served.targets if target.server.name == name)
        return found

    def choice(self, peer: str = "192.0.2.1", headers: str = "") -> Target:
        """Return the target that the service chooses for a request of this client."""
        served = self.served
        if served.choose is None:
            ticket = self._tickets.take(served.name) - 1
            return served.available[ticket % len(served.available)]
        return served.choose(served, self._tickets, request(headers), peer)

    def name(self, peer: str = "192.0.2.1", headers: str = "") -> str:
        """Return the name of the chosen server."""
        return self.choice(peer, headers).server.name


@contextmanager
def built(service: Service) -> Iterator[ServiceUnderTest]:
    """Build the service."""
    services = ServiceRegistry(Sweeper(), UpstreamTimeouts())
    services.put(service)
    try:
        yield ServiceUnderTest(services, service.name)
    finally:
        services.remove(service.name)


def request(headers: str = "") -> Request:
    """Return a GET request with these header lines, each ended by CRLF."""
    parsed = parse_request(f"GET / HTTP/1.1\r\nHost: x.test\r\n{headers}\r\n".encode(), Limits())
    assert parsed is not None
    return parsed


def _unreachable() -> TicketConnection:
    raise ConnectionError("these tests have no store")
