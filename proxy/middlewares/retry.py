"""retry, as in Traefik 3: more attempts than one with each server, and attempts after certain answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import extras_of
from proxy.per_request.retries import Retrying, RetryPolicy

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("retry")
def retry(options: Mapping[str, Any]) -> Step:
    """The exchange performs it, once the first server has failed."""
    statuses = frozenset(code for text in options["status"] for code in _codes(text))
    if options["disableRetryOnNetworkError"] and not statuses:
        raise ValueError("disableRetryOnNetworkError leaves nothing to retry without status")
    policy = RetryPolicy(
        attempts=options["attempts"],
        initial_interval=options["initialInterval"],
        timeout=options["timeout"],
        statuses=statuses,
        without_answer=not options["disableRetryOnNetworkError"],
        any_method=options["retryNonIdempotentMethod"],
    )

    def step(request: Request, client: Client) -> None:
        extras_of(client).retrying = Retrying(policy)

    return step


def _codes(text: str) -> range:
    """Of a status or a range of them, as it is written."""
    low, _, high = text.partition("-")
    return range(int(low), int(high or low) + 1)
