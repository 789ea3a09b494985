"""Services made of services: which of its members takes a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from proxy.balancing.rendezvous import hashed, luck
from proxy.balancing.schedule import schedule
from proxy.balancing.sticky import Stickiness
from proxy.extras import Wanting, extras_of

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.servers import ServedService, Services
    from rondpoint.model import Service

DEEPEST = 8
"""Services within services; what goes deeper leads nowhere, as a circle does."""


class Asking(Wanting, Protocol):
    """Who sends the request: `peer` is an address, possibly empty."""

    peer: str


class Composed:
    """The members of a service, by name, and how one of them is chosen.

    One that has no server for new requests is passed over as long as another has.
    """

    def __init__(self, service: Service) -> None:
        members = [member for member in service.members if member.weight > 0]
        self._service = service.name
        self._names = [member.name for member in members]
        self._weights = {member.name: member.weight for member in members}
        self._kind = service.composition
        order = schedule([member.weight for member in members]) if self._kind == "weighted" else ()
        self._rotation = [self._names[index] for index in order]
        self.sticky: Stickiness[str] | None = None
        if service.sticky is not None:
            self.sticky = Stickiness(
                service.sticky, service.name, ((name, name) for name in dict.fromkeys(self._names))
            )

    def available(self, services: Services, seen: set[str]) -> bool:
        """Whether a member that is not among `seen` has a server for new requests."""
        return any(has_servers(services, name, seen) for name in self._names)

    def preferred(self, tickets: Tickets, request: Request, peer: str) -> Iterator[str]:
        """The members' names, in the order in which they are to be asked."""
        if self.sticky is not None and (kept := self.sticky.kept(request)) is not None:
            yield kept
        if self._kind == "weighted":
            length = len(self._rotation)
            first = tickets.take(self._service) - 1 if length > 1 else 0
            for position in range(first, first + length):
                yield self._rotation[position % length]
        elif self._kind == "highestRandomWeight":
            client = hashed(peer)
            yield from sorted(self._names, key=lambda name: -self._weights[name] * luck(client, hashed(name)))
        else:
            yield from self._names


def has_servers(services: Services, name: str, seen: set[str]) -> bool:
    """Whether the service has a server for new requests, itself or in a member; not if it is among `seen`."""
    service = None if name in seen else services.get(name)
    if service is None:
        return False
    seen.add(name)
    if service.composed is not None:
        return service.composed.available(services, seen)
    return bool(service.rotation) and not service.all_away


def lead(
    service: ServedService, services: Services, tickets: Tickets, request: Request, client: Asking
) -> ServedService | None:
    """From a service made of services to the one whose servers take the request; None where there is none."""
    found: ServedService | None = service
    for _ in range(DEEPEST):
        if found is None or found.composed is None:
            return found if found is not None and found.rotation else None
        found = _member(found.composed, services, tickets, request, client)
    return None


def _member(
    composed: Composed, services: Services, tickets: Tickets, request: Request, client: Asking
) -> ServedService | None:
    names: Sequence[str] = tuple(dict.fromkeys(composed.preferred(tickets, request, client.peer)))
    chosen = next((name for name in names if has_servers(services, name, set())), None)
    if chosen is None:
        # Those that are put aside are better than none.
        chosen = next(iter(names), None)
    if chosen is None:
        return None
    sticky = composed.sticky
    if sticky is not None and sticky.kept(request) != chosen:
        extras_of(client).cookies += sticky.line(chosen)
    return services.get(chosen)
