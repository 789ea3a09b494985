"""Runs the middlewares before a service, and notes which of them has responded in place of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError
from proxy.middlewares.refusals import refusal_reason
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request


def run_middlewares(
    downstream: Downstream, request: Request, middlewares: tuple[str, ...], kind: str, name: str
) -> None:
    """Run these middlewares in order; `kind` and `name` are their router or service.

    Raises ChainError, and the LocalResponse or RequestError of the middleware that responds.
    """
    chain = downstream.context.chains.compile_chain(middlewares, kind, name)
    try:
        for step in chain:
            step(request, downstream)
    except (LocalResponse, RequestError) as response:
        owner = chain.owner_of(step)
        downstream.responder = owner.name
        reason = refusal_reason(owner.kind, response)
        if reason:
            downstream.tally.count_refusal(owner.name, owner.kind, reason)
        raise
