"""The middleware inFlightReq, as in Traefik 3: limits the requests in progress by source and router.

All workers and instances with the same store hold a limit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.middlewares.sources.source_criterion import compile_source, request_host
from proxy.middlewares.step import Client, Step, named_kind
from proxy.per_request.extras import extras_of

if TYPE_CHECKING:
    from proxy.http1.request import Request


@named_kind("inFlightReq")
def in_flight_req(options: Mapping[str, Any], name: str) -> Step:
    """Refuse requests above `amount` with 429; a request counts until it ends or its client leaves."""
    amount = options["amount"]
    source = compile_source(options.get("sourceCriterion"), request_host)

    def step(request: Request, client: Client) -> None:
        limits = client.context.in_flight_limits
        pool = limits.enter(f"{name}\0{client.tally.router}\0{source(request, client)}", amount)
        if pool is None:
            raise RequestError(429, f"too many requests: {amount} are being served")
        extras_of(client).call_at_end(partial(limits.leave, pool))

    return step
