"""One request and its answer: router, middlewares, service, server, and what is said when none answers.

This is the path that every proxied request takes. It is kept in few functions, because each call and
allocation here is paid for by all traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.attempt import forward_observed, forward_to, request_head
from proxy.exchange.errors import NoAnswerError
from proxy.exchange.next_server import try_next_servers
from proxy.exchange.request_body import RequestBody
from proxy.http1.chunked import ChunkError
from proxy.http1.errors import RequestError
from proxy.http1.max_forwards import ALLOWED, LIMITED, pass_limit
from proxy.http1.protocols import STOPPED
from proxy.middlewares.chains import ChainError
from proxy.services.composite_members import choose_member
from rondpoint.model import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.balancing.balanced_service import BalancedService
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

NOT_CONFIGURED = "service unavailable: no configuration has been read yet"


def handle_request(downstream: Downstream, request: Request) -> bool:
    """Respond to `request`; return whether the connection can take another. Raises ClientGoneError."""
    context = downstream.context
    body: RequestBody | None = None
    failure: NoAnswerError | None = None
    status, reason, allow = 503, "", ""
    try:
        route = context.table.match(downstream.entry_point, request, downstream)
        if route is None:
            downstream.tally = context.tallies.unrouted
            raise RequestError(404, "") if context.configured else RequestError(503, NOT_CONFIGURED)
        tally = route.tally
        if tally is None:
            tally = route.tally = context.tallies.of(route.router)
        downstream.tally = tally
        try:
            if route.middlewares:
                for step in context.chains.steps(route.router):
                    step(request, downstream)
            if request.method in LIMITED and not pass_limit(request):
                raise RequestError(200 if request.method == b"OPTIONS" else 405, "", allow=ALLOWED)
        except (ChainError, RequestError):
            request.kind |= STOPPED
            raise
        service = route.place.served
        if service is None:
            route.place = context.services.get_slot(route.router.service)
            service = route.place.served
        if service is None or not service.rotation:
            if service is not None and service.composite is not None:
                service = _resolve_composite(downstream, request, service)
            if service is None or not service.rotation:
                raise RequestError(503, "")

        if request.content_length > 0 or request.chunked:
            downstream.body = body = RequestBody(downstream, request)

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
        for position in range(first, first + length):
            target = targets[position % length]
            if target in failed or (target.unavailable and choose is None and not service.all_unavailable):
                continue
            if failed:
                tally.retries += 1
                downstream.retries += 1
            head = request_head(downstream, request, target, pass_host)
            downstream.target = target
            try:
                if choose is None:
                    return forward_to(downstream, request, target, head, body)
                return forward_observed(downstream, request, service, target, head, body)
            except NoAnswerError as error:
                failure = error
                failed += (target,)
                if error.counts_as_failure:
                    context.tallies.servers.fail(target)
                if not error.elsewhere or downstream.extras is not None:
                    break
        if failure is not None and (failure.elsewhere or failure.unwanted):
            return try_next_servers(downstream, request, service, pass_host, body, failed, failure)
    except NoAnswerError as error:
        failure = error
    except RequestError as error:
        status, reason, allow = error.status, error.reason, error.allow
    except ChainError as error:
        reason = f"service unavailable: {error}"
    except ChunkError as error:
        status, reason = 400, str(error)
    if failure is not None:
        status, reason = failure.status, failure.reason
    body_read = body is not None and body.done
    if body is not None and not body_read:
        request.keep_alive = False
        if body.failure:
            # The client's fault comes first, whatever became of the server's connection.
            status, reason = body.failure, body.reason
    return downstream.refuse(request, status, reason, body_read=body_read, allow=allow)


def _resolve_composite(
    downstream: Downstream, request: Request, service: BalancedService
) -> BalancedService | None:
    """Return the service whose servers take the request, after the middlewares of the members on the way.

    None if no member has a server. Raises ChainError and RequestError.
    """
    context = downstream.context
    found: BalancedService | None = service
    try:
        for _ in range(DEEPEST):
            if found is None or found.composite is None:
                return found
            found = choose_member(found.composite, context.services, context.tickets, request, downstream)
            if found is not None and found.service.middlewares:
                for step in context.chains.compile_chain(found.service.middlewares, "service", found.name):
                    step(request, downstream)
    except (ChainError, RequestError):
        request.kind |= STOPPED
        raise
    return None
