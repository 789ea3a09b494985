"""Services made of services: which of its members takes a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from proxy.per_request.extras import Wanting, extras_of

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.balancing.composite_service import CompositeService
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.services.registry import ServiceRegistry


class Asking(Wanting, Protocol):
    """Who sends the request: `peer` is an address, possibly empty."""

    peer: str


def has_servers(services: ServiceRegistry, name: str) -> bool:
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
        elif service.rotation and not service.all_unavailable:
            return True
    return False


def member_for(
    composed: CompositeService, services: ServiceRegistry, tickets: Tickets, request: Request, client: Asking
) -> BalancedService | None:
    """The member that takes the request; None where there is none."""
    names: Sequence[str] = tuple(dict.fromkeys(composed.members_in_order(tickets, request, client.peer)))
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
