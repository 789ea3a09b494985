"""Further attempts after the chosen server has not responded: other servers, and retries."""

from __future__ import annotations

from random import shuffle
from typing import TYPE_CHECKING

import gevent

from proxy.exchange.attempt_deadline import leaves_time
from proxy.exchange.errors import ClientGoneError, NoResponseError
from proxy.exchange.forwarding import forward_to_target
from proxy.per_request.retries import Retries, RetryPolicy, RetryState

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
    failure: NoResponseError,
) -> bool:
    """Try each remaining server once, and then all servers again as often as the retry policy allows.

    Servers that cannot be reached are ejected meanwhile. Once all are ejected, earlier ejected ones are tried
    too.

    Raises NoResponseError and ClientGoneError.
    """
    retrying = _retry_state(downstream)
    retrying.attempts_made = len(failed)
    # A dial may have taken so long that the service has other servers now.
    service = _current_service(downstream, service)
    left = _untried(service, failed)
    # Random order, so that no single server gets all requests of a failed one.
    shuffle(left)
    again = False
    while True:
        if not (left or again):
            service = _current_service(downstream, service)
            left = _untried(service, failed)
            again = not left
        if again or not failure.try_others:
            # Every server has been tried once, or one has got the request: a middleware decides.
            if not may_follow(retrying, failure) or not retrying.may_retry(
                failure.status, responded=failure.retryable_status
            ):
                raise failure
            pause = retrying.next_pause()
            if not leaves_time(downstream, pause):
                raise failure
            gevent.sleep(pause)
            if downstream.has_left():
                raise ClientGoneError
        if not left:
            # The service may have other servers now.
            service = _current_service(downstream, service)
            left = list(service.distinct)
            shuffle(left)
        target = left.pop()
        downstream.tally.retries += 1
        downstream.retries += 1
        try:
            return forward_to_target(downstream, request, service, target, pass_host, body)
        except NoResponseError as error:
            failure = error
            failed += (target,)
            retrying.attempts_made += 1


def _current_service(downstream: Downstream, service: BalancedService) -> BalancedService:
    """Return the service's current version; the given one if the service has no servers any more."""
    current = downstream.context.services.get(service.name)
    return service if current is None or not current.rotation else current


def _untried(service: BalancedService, failed: tuple[Target, ...]) -> list[Target]:
    """Return the service's targets at addresses that have not failed."""
    endpoints = [target.endpoint for target in failed]
    return [target for target in service.distinct if target.endpoint not in endpoints]


def may_follow(retrying: Retries | None, failure: NoResponseError) -> bool:
    """Return whether another attempt may follow this failure at all."""
    if failure.try_others or failure.retryable_status:
        return True
    return retrying is not None and retrying.any_failure and failure.counts_as_failure


def _retry_state(downstream: Downstream) -> Retries:
    """Return the retry state of the router's middleware, or a new one of the installation's policy."""
    extras = downstream.extras
    if extras is not None and extras.retrying is not None:
        return extras.retrying
    return RetryState(downstream.context.retry or _ONCE)
