"""Forwards a request to one server of a service, on the paths that few requests take.

`handle_request` does the same inline, because all traffic pays for each call there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.attempt import forward_observed, forward_to, request_head
from proxy.exchange.errors import NoResponseError

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_body import RequestBody
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


def forward_to_target(
    downstream: Downstream,
    request: Request,
    service: BalancedService,
    target: Target,
    pass_host: bool,
    body: RequestBody | None,
) -> bool:
    """Forward the request and relay the response; return whether the client can send another.

    Counts a failure of the server. Raises what `forward_to` raises.
    """
    head = request_head(downstream, request, target, pass_host)
    downstream.target = target
    if downstream.sampled:
        downstream.begin_attempt(request, target)
    try:
        if service.choose is None:
            return forward_to(downstream, request, target, head, body)
        return forward_observed(downstream, request, service, target, head, body)
    except NoResponseError as error:
        if error.counts_as_failure:
            downstream.context.tallies.servers.count_failure(target)
        raise
