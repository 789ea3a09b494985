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


class Asking(Wanting, Protocol):
    """Who sends the request: `peer` is an address, possibly empty."""

    peer: str


class Composed:
    """The members of a service, by their `names`, and how one of them is chosen.

    One that has no server for new requests is passed over as long as another has.
    """

    def __init__(self, service: Service) -> None:
        members = [member for member in service.members if member.weight > 0]
        self._service = service.name
        self.names = [member.name for member in members]
        self._weights = {member.name: member.weight for member in members}
        self._kind = service.composition
        order = schedule([member.weight for member in members]) if self._kind == "weighted" else ()
        self._rotation = [self.names[index] for index in order]
        self.sticky: Stickiness[str] | None = None
        if service.sticky is not None:
            self.sticky = Stickiness(
                service.sticky, service.name, ((name, name) for name in dict.fromkeys(self.names))
            )

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
            yield from sorted(self.names, key=lambda name: -self._weights[name] * luck(client, hashed(name)))
        else:
            yield from self.names


def has_servers(services: Services, name: str) -> bool:
    """Whether the service has a server for new requests, itself or in a member."""
    seen: set[str] = set()
    left = [name]
    while left:
        reached = left.pop()
        service = None if reached in seen else services.get(reached)
        seen.add(reached)
        if service is None:
            continue
        if service.composed is not None:
            left += service.composed.names
        elif service.rotation and not service.all_away:
            return True
    return False


def member_for(
    composed: Composed, services: Services, tickets: Tickets, request: Request, client: Asking
) -> ServedService | None:
    """The member that takes the request; None where there is none."""
    names: Sequence[str] = tuple(dict.fromkeys(composed.preferred(tickets, request, client.peer)))
    chosen = next((name for name in names if has_servers(services, name)), None)
    if chosen is None:
        # Those that are put aside are better than none.
        chosen = next(iter(names), None)
    if chosen is None:
        return None
    sticky = composed.sticky
    if sticky is not None and sticky.kept(request) != chosen:
        extras_of(client).cookies += sticky.line(chosen)
    return services.get(chosen)
