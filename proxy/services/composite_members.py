"""Chooses the member of a composite service that takes a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from proxy.per_request.extras import ExtrasHolder, extras_of

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.balancing.composite_service import CompositeService
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.services.registry import ServiceRegistry


class RequestingClient(ExtrasHolder, Protocol):
    """The client that sends the request: `peer` is its address, possibly empty."""

    peer: str


def has_servers(services: ServiceRegistry, name: str) -> bool:
    """Return whether the service, or one of its members, has a server for new requests.

    A service that responds with a status of its own needs none.
    """
    seen: set[str] = set()
    left = [name]
    while left:
        current = left.pop()
        service = None if current in seen else services.get(current)
        seen.add(current)
        if service is None:
            continue
        if service.composite is not None:
            left += service.composite.names
        elif (service.rotation and not service.all_unavailable) or service.service.responds_with:
            return True
    return False


def choose_member(
    composite: CompositeService,
    services: ServiceRegistry,
    tickets: Tickets,
    request: Request,
    client: RequestingClient,
) -> BalancedService | None:
    """Return the member that takes the request; None if there is none."""
    names: Sequence[str] = tuple(dict.fromkeys(composite.members_in_order(tickets, request, client.peer)))
    chosen = next((name for name in names if has_servers(services, name)), None)
    if chosen is None:
        # If no member has an available server, ejected and draining ones are better than none.
        chosen = next(iter(names), None)
    if chosen is None:
        return None
    sticky = composite.sticky
    if sticky is not None and sticky.find_member(request) != chosen:
        extras_of(client).cookies += sticky.set_cookie_line(chosen)
    return services.get(chosen)
