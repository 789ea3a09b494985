"""Finds the service below a composite service whose servers take a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.middleware_steps import run_middlewares
from proxy.http1.errors import RequestError
from proxy.http1.protocols import STOPPED
from proxy.middlewares.chains import ChainError
from proxy.mirroring.mirrors import mirror_request
from proxy.per_request.local_response import LocalResponse
from proxy.services.composite_members import choose_member
from rondpoint.model import MAX_COMPOSITION_DEPTH

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request


def resolve_composite(
    downstream: Downstream, request: Request, service: BalancedService
) -> BalancedService | None:
    """Run the middlewares of chosen members, and return the service that takes the request.

    Mirrors on the way get copies of the request.

    That is a service with servers, or a failover service whose fallback depends on the response. Return None
    if no member has a server. Raises ChainError, LocalResponse and RequestError.
    """
    context = downstream.context
    found: BalancedService | None = service
    for _ in range(MAX_COMPOSITION_DEPTH):
        if found is None or found.composite is None or found.composite.failover_statuses:
            return found
        if found.composite.mirroring is not None:
            mirror_request(context, downstream, request, found.composite)
        found = choose_member(found.composite, context.services, context.tickets, request, downstream)
        if found is not None:
            enter_member(downstream, request, found)
    return None


def enter_member(downstream: Downstream, request: Request, member: BalancedService) -> None:
    """Run the middlewares of a member. Raises ChainError, LocalResponse and RequestError."""
    middlewares = member.service.middlewares
    if not middlewares:
        return
    try:
        run_middlewares(downstream, request, middlewares, "service", member.name)
    except (ChainError, LocalResponse, RequestError):
        request.kind |= STOPPED
        raise
