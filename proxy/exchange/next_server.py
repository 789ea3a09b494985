"""What becomes of a request when the server that was chosen has not answered: others, and more attempts."""

from __future__ import annotations

from random import shuffle
from typing import TYPE_CHECKING

import gevent

from proxy.exchange.attempt import forward_observed, forward_to, request_head
from proxy.exchange.errors import ClientGoneError, NoAnswerError
from proxy.per_request.retries import RetryPolicy, RetryState

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_body import RequestBody
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

_ONCE = RetryPolicy(1)


def try_next_servers(
    downstream: Downstream,
    request: Request,
    service: BalancedService,
    pass_host: bool,
    body: RequestBody | None,
    failed: tuple[Target, ...],
    failure: NoAnswerError,
) -> bool:
    """Ask the servers that were not asked yet, each once; and then all again, as often as is wanted.

    While they fail they are put aside; once that is true of all, those that had been before are asked too.

    Raises NoAnswerError and ClientGoneError.
    """
    retrying = _retry_state(downstream)
    retrying.attempts_made = len(failed)
    # A dial may have taken so long that all servers are others by now.
    service = _current_service(downstream, service)
    left = _untried(service, failed)
    # Lest one server get all that another one leaves.
    shuffle(left)
    again = False
    while True:
        if not (left or again):
            service = _current_service(downstream, service)
            left = _untried(service, failed)
            again = not left
        if again or failure.unwanted:
            # What has no answer is not asked for again but by those who want that.
            if not retrying.may_retry() or not (failure.unwanted or retrying.policy.without_response):
                raise failure
            gevent.sleep(retrying.next_pause())
            if downstream.has_left():
                raise ClientGoneError
        if not left:
            # By now there may be others.
            service = _current_service(downstream, service)
            left = list(service.distinct)
            shuffle(left)
        target = left.pop()
        downstream.tally.retries += 1
        downstream.retries += 1
        head = request_head(downstream, request, target, pass_host)
        downstream.target = target
        try:
            if service.choose is None:
                return forward_to(downstream, request, target, head, body)
            return forward_observed(downstream, request, service, target, head, body)
        except NoAnswerError as error:
            failure = error
            failed += (target,)
            if error.counts_as_failure:
                downstream.context.tallies.servers.fail(target)
            retrying.attempts_made += 1
            if not (error.elsewhere or error.unwanted):
                raise


def _current_service(downstream: Downstream, service: BalancedService) -> BalancedService:
    """The service as it is now; as it was, where it has no servers any more."""
    now = downstream.context.services.get(service.name)
    return service if now is None or not now.rotation else now


def _untried(service: BalancedService, failed: tuple[Target, ...]) -> list[Target]:
    """Its targets at other addresses than those that failed."""
    endpoints = [target.endpoint for target in failed]
    return [target for target in service.distinct if target.endpoint not in endpoints]


def _retry_state(downstream: Downstream) -> RetryState:
    """What the router wants, or else the installation; or nothing more than each server once."""
    extras = downstream.extras
    if extras is not None and extras.retrying is not None:
        return extras.retrying
    return RetryState(downstream.context.retry or _ONCE)
