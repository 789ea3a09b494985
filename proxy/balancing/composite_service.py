"""The members of a composite service, and the order in which to try them."""

from __future__ import annotations

from collections.abc import Iterator
from sys import maxsize
from typing import TYPE_CHECKING

from proxy.balancing.hashing import rendezvous_score, stable_hash
from proxy.balancing.mirror_schedule import gets_copy
from proxy.balancing.sticky_cookie import Stickiness
from proxy.balancing.weighted_schedule import schedule
from proxy.http1.statuses import parse_statuses

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from rondpoint.model import Service


class CompositeService:
    """The members of a composite service by their `names`, and how one of them is chosen.

    A member without a server for new requests is skipped as long as another member has one. A response of the
    first member with one of `failover_statuses` leads to the second one; the body of such a request may have
    up to `max_request_body_bytes`, if that is not negative.
    """

    def __init__(self, service: Service) -> None:
        members = [member for member in service.members if member.weight > 0]
        self.name = service.name
        self.names = [member.name for member in members]
        self._weights = {member.name: member.weight for member in members}
        self._composition = service.composition
        order = schedule([member.weight for member in members]) if self._composition == "weighted" else ()
        self._rotation = [self.names[index] for index in order]
        self.mirroring = service.mirroring
        errors = service.failover_errors
        self.failover_statuses: frozenset[int] = frozenset()
        self.max_request_body_bytes = -1
        if errors is not None and len(self.names) > 1:
            self.failover_statuses = parse_statuses(errors.statuses)
            self.max_request_body_bytes = errors.max_request_body_bytes
        self.sticky: Stickiness[str] | None = None
        if service.sticky is not None:
            self.sticky = Stickiness(
                service.sticky, service.name, ((name, name) for name in dict.fromkeys(self.names))
            )

    def members_in_order(self, tickets: Tickets, request: Request, peer: str) -> Iterator[str]:
        """Yield the members' names in the order in which to try them; a name may come more than once."""
        if self.sticky is not None and (sticky_member := self.sticky.find_member(request)) is not None:
            yield sticky_member
        if self._composition == "weighted":
            length = len(self._rotation)
            first = tickets.take(self.name) - 1 if length > 1 else 0
            for position in range(first, first + length):
                yield self._rotation[position % length]
        elif self._composition == "highestRandomWeight":
            client = stable_hash(peer)
            yield from sorted(
                self.names,
                key=lambda name: -self._weights[name] * rendezvous_score(client, stable_hash(name)),
            )
        else:
            yield from self.names

    @property
    def max_body_size(self) -> int:
        """The most bytes of content of a request that is copied to mirrors."""
        if self.mirroring is None or self.mirroring.max_body_size < 0:
            return maxsize
        return self.mirroring.max_body_size

    def choose_mirrors(self, tickets: Tickets) -> list[str]:
        """Return the names of the services that get a copy of the next request."""
        mirrors = () if self.mirroring is None else self.mirroring.mirrors
        # Only shares between all and nothing need a number that the workers share.
        number = tickets.take(self.name) if any(0 < mirror.percent < 100 for mirror in mirrors) else 1
        return [mirror.name for mirror in mirrors if gets_copy(number, mirror.percent)]
