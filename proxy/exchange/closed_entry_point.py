"""Responds for an entry point that is closed because an option that guards it is not served."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.exchange.request_handler import NOT_CONFIGURED
from proxy.http1.protocols import STOPPED

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request


def refuse_routed_requests(reason: str) -> Callable[[Downstream, Request], bool]:
    """Return a handler, in place of `handle_request`, that responds 503 to requests that a router takes."""

    def handle(downstream: Downstream, request: Request) -> bool:
        context = downstream.context
        route = context.table.match(downstream.entry_point, request, downstream)
        if route is None:
            downstream.tally = context.tallies.unrouted
            status, text = (404, "") if context.configured else (503, NOT_CONFIGURED)
            return downstream.refuse(request, status, text)
        tally = route.tally
        if tally is None:
            tally = route.tally = context.tallies.for_router(route.router)
        downstream.tally = tally
        request.kind |= STOPPED
        return downstream.refuse(request, 503, f"service unavailable: {reason}")

    return handle
