"""UDP routers and services of the current configuration, and the choice of a server for a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from time import monotonic
from types import MappingProxyType

from proxy.balancing.weighted_schedule import schedule
from rondpoint.model import ServerState
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService

TICKET_PREFIX = "udp:"
"""Before the names of services for UDP among the ticket counts: services for HTTP have names of their own."""

UNREACHABLE_SECONDS = 10.0
"""Seconds for which new sessions avoid a server whose machine has refused a datagram."""

MAX_DEPTH = 10
"""Composite services below each other; more are a circle."""

Address = tuple[str, int]
"""The host and port of a server."""

Take = Callable[[str], int]
"""Returns the next ticket for a field of the ticket counts, from 1; it may wait for the store."""


class Route:
    """A server that sessions of an entry point may use, and the service that names it.

    `is_name`: its host is a name, not an address.
    """

    __slots__ = ("is_name", "server", "service")

    def __init__(self, service: str, server: UdpServer) -> None:
        self.service = service
        self.server = server
        try:
            ip_address(server.host)
        except ValueError:
            self.is_name = True
        else:
            self.is_name = False

    @property
    def address(self) -> Address:
        return self.server.host, self.server.port

    @property
    def url(self) -> str:
        """The name of the server in counts."""
        return f"udp://{self.server.address}"


class UdpServices:
    """The services by name; `on_change` is called after each change."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._services: dict[str, UdpService] = {}
        self._routes: dict[str, tuple[Route, ...]] = {}
        self._members: dict[str, tuple[str, ...]] = {}
        self._refusing: set[str] = set()
        self._on_change = on_change

    @property
    def by_name(self) -> Mapping[str, UdpService]:
        """A live view of all services by name."""
        return MappingProxyType(self._services)

    def put(self, service: UdpService) -> None:
        """Add or replace a service."""
        self._services[service.name] = service
        usable = () if service.unserved else service.servers
        self._routes[service.name] = tuple(
            Route(service.name, server) for server in usable if server.state is ServerState.UP
        )
        members = () if service.unserved else service.members
        order = schedule([member.weight for member in members])
        self._members[service.name] = tuple(members[index].name for index in order)
        (self._refusing.add if service.refuses else self._refusing.discard)(service.name)
        self._on_change()

    def remove(self, name: str) -> None:
        """Remove a service; ignore an unknown name."""
        for known in (self._services, self._routes, self._members):
            known.pop(name, None)
        self._refusing.discard(name)
        self._on_change()

    def available(self, name: str, depth: int = 0) -> bool:
        """Return whether the service has a server for new sessions, itself or in a member."""
        if self._routes.get(name):
            return True
        members = self._distinct_members(name) if depth < MAX_DEPTH else ()
        return any(self.available(member, depth + 1) for member in members)

    def _takes_share(self, name: str, depth: int = 0) -> bool:
        """Return whether a member takes its share of sessions: by a server, or to refuse them."""
        if name in self._refusing or self._routes.get(name):
            return True
        members = self._distinct_members(name) if depth < MAX_DEPTH else ()
        return any(self._takes_share(member, depth + 1) for member in members)

    def choose(self, name: str, take: Take, avoided: Callable[[Route], bool]) -> Route | None:
        """Return the route of the next session; None if the service has no server for new ones.

        A server that is to be avoided gets a session only if all of its service are. It calls `take` only if
        there is a choice.
        """
        for _ in range(MAX_DEPTH):
            routes = self._routes.get(name)
            if routes:
                return _choose_route(routes, name, take, avoided)
            rotation = self._members.get(name, ())
            usable = {member for member in set(rotation) if self._takes_share(member)}
            if not usable:
                return None
            first = take(TICKET_PREFIX + name) - 1 if len(usable) > 1 else 0
            positions = (
                rotation[position % len(rotation)] for position in range(first, first + len(rotation))
            )
            name = next(member for member in positions if member in usable)
        return None

    def leads_to(self, name: str, route: Route) -> bool:
        """Return whether sessions of the service may keep to this route, also if its server is draining."""
        return any(
            server.state is not ServerState.DOWN and (server.host, server.port) == route.address
            for service in self._reachable(name)
            if service.name == route.service and not service.unserved
            for server in service.servers
        )

    def _reachable(self, name: str, depth: int = 0) -> Iterator[UdpService]:
        service = self._services.get(name)
        if service is None or depth > MAX_DEPTH:
            return
        yield service
        for member in self._distinct_members(name):
            yield from self._reachable(member, depth + 1)

    def _distinct_members(self, name: str) -> Iterable[str]:
        return dict.fromkeys(self._members.get(name, ()))


class UdpRouters:
    """The routers by name, and which of them serves an entry point; `on_change` is called after changes."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._routers: dict[str, UdpRouter] = {}
        self._on_change = on_change

    @property
    def by_name(self) -> Mapping[str, UdpRouter]:
        """A live view of all routers by name."""
        return MappingProxyType(self._routers)

    def put(self, router: UdpRouter) -> None:
        """Add or replace a router."""
        self._routers[router.name] = router
        self._on_change()

    def remove(self, name: str) -> None:
        """Remove a router; ignore an unknown name."""
        self._routers.pop(name, None)
        self._on_change()

    def of(self, entry_point: str) -> UdpRouter | None:
        """Return the router that serves this entry point: of several, the one with the lowest name."""
        names = (
            name
            for name, router in self._routers.items()
            if not router.entry_points or entry_point in router.entry_points
        )
        lowest = min(names, default=None)
        return None if lowest is None else self._routers[lowest]


class UnreachableServers:
    """The addresses of servers whose machines have recently refused datagrams in this worker."""

    def __init__(self) -> None:
        self._until: dict[Address, float] = {}

    def add(self, address: Address) -> None:
        now = monotonic()
        self._until = {known: until for known, until in self._until.items() if until > now}
        self._until[address] = now + UNREACHABLE_SECONDS

    def __contains__(self, address: Address) -> bool:
        until = self._until.get(address)
        return until is not None and until > monotonic()


def _choose_route(
    routes: tuple[Route, ...], name: str, take: Take, avoided: Callable[[Route], bool]
) -> Route:
    if len(routes) == 1:
        return routes[0]
    first = take(TICKET_PREFIX + name) - 1
    in_order = [routes[position % len(routes)] for position in range(first, first + len(routes))]
    return next((route for route in in_order if not avoided(route)), in_order[0])
