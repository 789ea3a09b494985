"""The middleware timeouts: the `timeouts` of routes in Kubernetes' Gateway API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import extras_of
from proxy.per_request.time_limits import TimeLimits

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("timeouts")
def timeouts(options: Mapping[str, Any]) -> Step:
    """Limit the time until the response is complete: from now on, and from the start of each attempt."""
    request_limit, attempt_limit = options["request"], options["backendRequest"]

    def step(_request: Request, client: Client) -> None:
        extras = extras_of(client)
        if extras.time_limits is None:
            extras.time_limits = TimeLimits()
        extras.time_limits.restrict(request_limit, attempt_limit)

    return step
