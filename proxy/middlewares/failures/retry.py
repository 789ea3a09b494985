"""The middleware retry, as in Traefik 3: several attempts at each server, also after certain statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.statuses import parse_statuses
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import extras_of
from proxy.per_request.retries import RetryPolicy, RetryState

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("retry")
def retry(options: Mapping[str, Any]) -> Step:
    """Set the retry policy of the request; the exchange applies it after the first failure."""
    statuses = parse_statuses(options["status"])
    if options["disableRetryOnNetworkError"] and not statuses:
        raise ValueError("with disableRetryOnNetworkError and without status, there is nothing to retry")
    policy = RetryPolicy(
        attempts=options["attempts"],
        initial_interval=options["initialInterval"],
        timeout=options["timeout"],
        statuses=statuses,
        without_response=not options["disableRetryOnNetworkError"],
        any_method=options["retryNonIdempotentMethod"],
    )

    def step(request: Request, client: Client) -> None:
        extras_of(client).retrying = RetryState(policy)

    return step
