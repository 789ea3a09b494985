"""Responds for an entry point that is closed because an option that guards it is not served."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from proxy.exchange.request_handler import handle_request
from proxy.http1.errors import RequestError
from proxy.http1.protocols import STOPPED

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.routing.route import Route


def refuse_routed_requests(reason: str) -> Callable[[Downstream, Request], bool]:
    """Return a handler, in place of `handle_request`, that responds 503 to requests that a router takes."""

    def match(request: Request, downstream: Downstream) -> Route | None:
        context = downstream.context
        route = context.table.match(downstream.routing_point, request, downstream)
        if route is None:
            return None
        downstream.tally = context.tallies.for_router(route.router)
        request.kind |= STOPPED
        raise RequestError(503, f"service unavailable: {reason}")

    return partial(handle_request, match=match)
