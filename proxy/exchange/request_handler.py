"""One request and its answer: router, middlewares, service, server, and what is said when none answers.

This is the path that every proxied request takes. It is kept in few functions, because each call and
allocation here is paid for by all traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.attempt import request_head, serve_from, serve_observed
from proxy.exchange.errors import NoAnswerError
from proxy.exchange.next_server import ask_again
from proxy.exchange.request_body import RequestBody
from proxy.http1.chunked import ChunkError
from proxy.http1.errors import RequestError
from proxy.http1.max_forwards import ALLOWED, LIMITED, pass_limit
from proxy.http1.protocols import STOPPED
from proxy.middlewares.chains import ChainError
from proxy.services.composite_members import member_for
from rondpoint.model import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.balancing.balanced_service import ServedService
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

_NOT_CONFIGURED = "service unavailable: no configuration has been read yet"


def answer_request(downstream: Downstream, request: Request) -> bool:
    """Answer `request`; whether the client's connection can take another. Raises ClientGoneError."""
    context = downstream.context
    route = context.table.match(downstream.entry_point, request, downstream)
    if route is None:
        downstream.tally = context.tallies.unrouted
        if not context.configured:
            return downstream.refuse(request, 503, _NOT_CONFIGURED)
        return downstream.refuse(request, 404)
    tally = route.tally
    if tally is None:
        tally = route.tally = context.tallies.of(route.router)
    downstream.tally = tally
    if route.middlewares:
        try:
            for step in context.chains.steps(route.router):
                step(request, downstream)
        except ChainError as error:
            request.kind |= STOPPED
            return downstream.refuse(request, 503, f"service unavailable: {error}")
        except RequestError as error:
            request.kind |= STOPPED
            return downstream.refuse(request, error.status, error.reason)
    if request.method in LIMITED:
        try:
            goes_on = pass_limit(request)
        except RequestError as error:
            request.kind |= STOPPED
            return downstream.refuse(request, error.status, error.reason)
        if not goes_on:
            request.kind |= STOPPED
            return downstream.refuse(request, 200 if request.method == b"OPTIONS" else 405, allow=ALLOWED)
    service = route.place.served
    if service is None:
        route.place = context.services.ready(route.router.service)
        service = route.place.served
    if service is None or not service.rotation:
        if service is not None and service.composed is not None:
            try:
                service = _led(downstream, request, service)
            except ChainError as error:
                request.kind |= STOPPED
                return downstream.refuse(request, 503, f"service unavailable: {error}")
            except RequestError as error:
                request.kind |= STOPPED
                return downstream.refuse(request, error.status, error.reason)
        if service is None or not service.rotation:
            return downstream.refuse(request, 503)

    body: RequestBody | None = None
    if request.content_length > 0 or request.chunked:
        try:
            downstream.body = body = RequestBody(downstream, request)
        except ChunkError as error:
            return downstream.refuse(request, 400, str(error))
        except RequestError as error:
            return downstream.refuse(request, error.status, error.reason)

    choose = service.choose
    if choose is None:
        targets: Sequence[Target] = service.rotation
        length = len(targets)
        first = context.tickets.take(service.name) - 1 if length > 1 else 0
    else:
        targets = (choose(service, context.tickets, request, downstream.peer),)
        length, first = 1, 0
    pass_host = route.pass_host_header and service.pass_host_header
    failed: tuple[Target, ...] = ()
    failure: NoAnswerError | None = None
    for position in range(first, first + length):
        target = targets[position % length]
        if target in failed or (target.away and choose is None and not service.all_away):
            continue
        if failed:
            tally.retries += 1
            downstream.retries += 1
        head = request_head(downstream, request, target, pass_host)
        downstream.target = target
        try:
            if choose is None:
                return serve_from(downstream, request, target, head, body)
            return serve_observed(downstream, request, service, target, head, body)
        except NoAnswerError as error:
            failure = error
            failed += (target,)
            if error.in_vain:
                context.tallies.servers.fail(target)
            if not error.elsewhere or downstream.extras is not None:
                break
    if failure is not None and (failure.elsewhere or failure.unwanted):
        try:
            return ask_again(downstream, request, service, pass_host, body, failed, failure)
        except NoAnswerError as error:
            failure = error
    body_read = body is not None and body.done
    if body is not None and not body_read:
        request.keep_alive = False
        if body.failure:
            # The client's fault comes first, whatever became of the server's connection.
            failure = NoAnswerError(body.failure, elsewhere=False, reason=body.reason)
    if failure is None:
        return downstream.refuse(request, 503, body_read=body_read)
    return downstream.refuse(request, failure.status, failure.reason, body_read=body_read)


def _led(downstream: Downstream, request: Request, service: ServedService) -> ServedService | None:
    """From a service made of services to the one whose servers take the request, through what guards it.

    None where there is none. Raises ChainError and RequestError.
    """
    context = downstream.context
    found: ServedService | None = service
    for _ in range(DEEPEST):
        if found is None or found.composed is None:
            return found
        found = member_for(found.composed, context.services, context.tickets, request, downstream)
        if found is not None and found.service.middlewares:
            for step in context.chains.of(found.service.middlewares, "service", found.name):
                step(request, downstream)
    return None
