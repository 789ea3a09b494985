"""A TCP service as workers use it: its servers, or its members, and their rotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.balancing.weighted_schedule import schedule
from rondpoint.model import ServerState

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.tcp.dialler import Dialler
    from proxy.upstream.endpoint import Address
    from rondpoint.tcp.model import TcpServer, TcpService

PREFIX = "tcp:"
"""The start of the names of TCP services among tickets and ejections: HTTP services may have equal names."""


@dataclass(slots=True, eq=False)
class TcpTarget:
    """A server of the service, which is named with PREFIX.

    `ejected` is for all services, `failing` for this service alone.
    """

    server: TcpServer
    service: str
    url: str
    address: Address
    pool: Dialler
    ejected: bool = False
    failing: bool = False

    @property
    def unavailable(self) -> bool:
        """Whether it takes no new connections, for whatever reason."""
        return self.ejected or self.failing or self.server.state is ServerState.DRAINING


class ServedService:
    """A service with its `targets`; those that are down are not among them.

    `available` are the targets that take new connections. If none does, `all_unavailable` is set, and all are
    in it. `key` is the service's name with PREFIX. A composite service has `members` in place of targets. A
    service that is not `served` has neither. One that `refuses` takes its share of a composite service
    without any target.
    """

    __slots__ = ("all_unavailable", "available", "key", "members", "name", "refuses", "rotation", "targets")

    def __init__(self, service: TcpService, targets: tuple[TcpTarget, ...], *, served: bool) -> None:
        self.name = service.name
        self.key = PREFIX + service.name
        self.targets = targets
        self.refuses = service.refuses
        members = [member for member in service.members if served and member.weight > 0]
        self.members = tuple(member.name for member in members)
        order = schedule([member.weight for member in members])
        self.rotation = tuple(self.members[position] for position in order)
        self.available: tuple[TcpTarget, ...] = ()
        self.all_unavailable = False
        self.refresh()

    def refresh(self) -> None:
        """Compute anew which targets take new connections."""
        available = tuple(target for target in self.targets if not target.unavailable)
        self.all_unavailable = not available
        self.available = available or self.targets

    def choose(self, tickets: Tickets) -> TcpTarget | None:
        """Return the target for the next connection, by round robin; None if there is none."""
        available = self.available
        if len(available) < 2:
            return available[0] if available else None
        # While this worker waits for the ticket, the targets may change; these serve nevertheless.
        return available[(tickets.take(self.key) - 1) % len(available)]

    def members_in_order(self, tickets: Tickets) -> tuple[str, ...]:
        """Return the members in the order in which to try them, the next one of the rotation first."""
        rotation = self.rotation
        if len(rotation) < 2:
            return rotation
        first = (tickets.take(self.key) - 1) % len(rotation)
        return tuple(dict.fromkeys(rotation[first:] + rotation[:first]))
