"""What an entry point answers that is closed, since what guards it is not served."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.exchange.request_handler import NOT_CONFIGURED
from proxy.http1.protocols import STOPPED

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request


def refusing(reason: str) -> Callable[[Downstream, Request], bool]:
    """In place of `answer_request`, a 503 with this reason to each request that a router would take."""

    def answer(downstream: Downstream, request: Request) -> bool:
        context = downstream.context
        route = context.table.match(downstream.entry_point, request, downstream)
        if route is None:
            downstream.tally = context.tallies.unrouted
            if not context.configured:
                return downstream.refuse(request, 503, NOT_CONFIGURED)
            return downstream.refuse(request, 404)
        tally = route.tally
        if tally is None:
            tally = route.tally = context.tallies.of(route.router)
        downstream.tally = tally
        request.kind |= STOPPED
        return downstream.refuse(request, 503, f"service unavailable: {reason}")

    return answer
