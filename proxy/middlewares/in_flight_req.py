"""inFlightReq, as in Traefik 3: so many requests at a time of each source, to each router by itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.limits.in_flight_counts import IN_FLIGHT
from proxy.middlewares.source_criterion import by_host, source_of
from proxy.middlewares.step import Client, Step, named_kind
from proxy.per_request.extras import extras_of

if TYPE_CHECKING:
    from proxy.http1.request import Request


@named_kind("inFlightReq")
def in_flight_req(options: Mapping[str, Any], name: str) -> Step:
    """Above `amount` requests are refused with 429; one counts until it is answered or its client leaves."""
    amount = options["amount"]
    source = source_of(options.get("sourceCriterion"), by_host)

    def step(request: Request, client: Client) -> None:
        key = f"{name}\0{client.tally.router}\0{source(request, client)}"
        place = IN_FLIGHT.enter(key.encode(), amount)
        if place < 0:
            raise RequestError(429, f"too many requests: {amount} are being served")
        extras_of(client).at_end(partial(IN_FLIGHT.leave, place))

    return step
