"""Handles one request: router, middlewares, service, server, and an error response if no server responds.

Every proxied request takes this path. It has few functions, because all traffic pays for each call and
allocation here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.attempt import forward_observed, forward_to, request_head
from proxy.exchange.buffered_request_body import begin_body
from proxy.exchange.child_routers import find_leaf
from proxy.exchange.composite import resolve_composite
from proxy.exchange.errors import NoResponseError
from proxy.exchange.fallback import forward_with_fallback
from proxy.exchange.internal_services import respond_without_server
from proxy.exchange.local_response import refuse, respond
from proxy.exchange.middleware_steps import run_middlewares
from proxy.exchange.next_server import may_follow, try_next_servers
from proxy.http1.chunked import ChunkError
from proxy.http1.errors import RequestError
from proxy.http1.max_forwards import ALLOWED_METHODS, LIMITED_METHODS, decrement_max_forwards
from proxy.http1.protocols import STOPPED
from proxy.middlewares.chains import ChainError
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_body import RequestBody
    from proxy.http1.request import Request
    from proxy.routing.route import Route
    from proxy.upstream.endpoint import Target

    Match = Callable[[Request, Downstream], Route | None]

_NOT_CONFIGURED = "service unavailable: no configuration has been read yet"


def handle_request(downstream: Downstream, request: Request, match: Match | None = None) -> bool:
    """Respond to `request`; return whether the connection can take another. Raises ClientGoneError.

    `match` finds the route on an entry point with middlewares of its own.
    """
    context = downstream.context
    body: RequestBody | None = None
    failure: NoResponseError | None = None
    status, reason, allow, grpc_status = 503, "", "", 0
    try:
        if match is None:
            route = context.table.match(downstream.routing_point, request, downstream)
        else:
            route = match(request, downstream)
        if route is None:
            downstream.tally = context.tallies.unrouted
            raise RequestError(404, "") if context.configured else RequestError(503, _NOT_CONFIGURED)
        tally = route.tally
        if tally is None:
            tally = route.tally = context.tallies.for_router(route.router)
        downstream.tally = tally
        try:
            if route.middlewares:
                run_middlewares(downstream, request, route.middlewares, "router", route.router.name)
            if request.method in LIMITED_METHODS and not decrement_max_forwards(request):
                raise RequestError(200 if request.method == b"OPTIONS" else 405, "", allow=ALLOWED_METHODS)
        except (ChainError, LocalResponse, RequestError):
            request.kind |= STOPPED
            raise
        service = route.place.served
        if service is None:
            if not route.router.service:
                route = find_leaf(downstream, request, route)
                tally = downstream.tally
            route.place = context.services.get_slot(route.router.service)
            service = route.place.served
        if service is None or not service.rotation:
            if service is not None and service.composite is not None:
                service = resolve_composite(downstream, request, service)
                if service is not None and service.composite is not None:
                    return forward_with_fallback(downstream, request, service, route.pass_host_header)
            if service is None or not service.rotation:
                raise respond_without_server(downstream, request, service)

        if request.content_length > 0 or request.chunked:
            downstream.body = body = begin_body(downstream, request)

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
            if downstream.sampled:
                downstream.begin_attempt(request, target)
            try:
                if choose is None:
                    return forward_to(downstream, request, target, head, body)
                return forward_observed(downstream, request, service, target, head, body)
            except NoResponseError as error:
                failure = error
                failed += (target,)
                if error.counts_as_failure:
                    context.tallies.servers.count_failure(target)
                if not error.try_others or downstream.extras is not None:
                    break
        extras = downstream.extras
        if failure is not None and may_follow(None if extras is None else extras.retrying, failure):
            return try_next_servers(downstream, request, service, pass_host, body, failed, failure)
    except NoResponseError as error:
        failure = error
    except LocalResponse as response:
        return respond(
            downstream, request, response.status, response.lines, response.body, long_body=response.pieces
        )
    except RequestError as request_error:
        status, reason, allow = request_error.status, request_error.reason, request_error.allow
    except ChainError as chain_error:
        reason = f"service unavailable: {chain_error}"
    except ChunkError as chunk_error:
        status, reason = 400, str(chunk_error)
    if failure is not None:
        status, reason, grpc_status = failure.status, failure.reason, failure.grpc_status
    body_read = body is not None and body.done
    if body is not None and not body_read:
        request.keep_alive = False
        if body.failure:
            # The client's error takes precedence over any error of the server's connection.
            status, reason, grpc_status = body.failure, body.reason, 0
    return refuse(
        downstream, request, status, reason, body_read=body_read, allow=allow, grpc_status=grpc_status
    )
