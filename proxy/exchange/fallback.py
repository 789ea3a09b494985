"""Forwards a request to a failover service whose fallback depends on the response of its main service."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from proxy.balancing.round_robin import choose_by_ticket
from proxy.exchange.buffered_request_body import begin_body
from proxy.exchange.composite import enter_member, resolve_composite
from proxy.exchange.errors import FallbackError, NoResponseError
from proxy.exchange.forwarding import forward_to_target
from proxy.exchange.next_server import may_follow, try_next_servers
from proxy.http1.errors import RequestError
from proxy.middlewares.request_content import ContentTooLargeError, keep_content
from proxy.per_request.extras import extras_of
from proxy.per_request.local_response import LocalResponse
from proxy.services.composite_members import has_servers
from rondpoint.model import MAX_COMPOSITION_DEPTH

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.balancing.composite_service import CompositeService
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_body import RequestBody
    from proxy.http1.request import Request


def forward_with_fallback(
    downstream: Downstream,
    request: Request,
    failover: BalancedService,
    pass_host: bool,
    above: tuple[str, ...] = (),
) -> bool:
    """Forward to the main service, and to the fallback if the response is one of the failover's errors.

    Errors of the proxy's own in place of the main service's response count, too. `above` are the failover
    services that this one is a part of. Read the request's whole body first, so that it can be sent twice.
    Raises what `handle_request` turns into responses; the request's body is then dropped.
    """
    composite = failover.composite
    assert composite is not None  # noqa: S101 - the caller has found it
    if failover.name in above or len(above) >= MAX_COMPOSITION_DEPTH:
        raise RequestError(503, "")
    try:
        keep_content(request, downstream, composite.max_request_body_bytes)
    except ContentTooLargeError:
        raise RequestError(413, "the request body is too large") from None
    content = downstream.buffer
    extras = downstream.extras
    buffered = extras is not None and extras.request_content is not None
    length = 0 if buffered else max(request.content_length, 0)
    try:
        return _forward_to_either(downstream, request, composite, pass_host, (*above, failover.name))
    except Exception:
        # A member's middleware may have taken or replaced the body, and changed the length of the request. No
        # byte of the body may stand before the next request.
        downstream.buffer = content[length:]
        request.content_length, request.chunked = -1, False
        raise


def _forward_to_either(
    downstream: Downstream,
    request: Request,
    composite: CompositeService,
    pass_host: bool,
    above: tuple[str, ...],
) -> bool:
    services = downstream.context.services
    main, fallback = composite.names[0], composite.names[-1]
    if not has_servers(services, fallback):
        # Any response of the main service says more than that there is no fallback.
        return _forward_to_member(downstream, request, main, pass_host, above)
    if has_servers(services, main):
        extras, content = extras_of(downstream), downstream.buffer
        # The fallback gets the request as it was before the main service's middlewares.
        downstream.extras = attempt = extras.branch()
        attempt.fallback_statuses |= composite.failover_statuses
        copied = copy(request)
        try:
            return _forward_to_member(downstream, copied, main, pass_host, above)
        except (FallbackError, LocalResponse, NoResponseError, RequestError) as error:
            if error.status not in composite.failover_statuses:
                request.kind = copied.kind
                raise
        downstream.extras, downstream.buffer = extras, content
        downstream.responder = ""
        downstream.tally.retries += 1
        downstream.retries += 1
    return _forward_to_member(downstream, request, fallback, pass_host, above)


def _forward_to_member(
    downstream: Downstream, request: Request, name: str, pass_host: bool, above: tuple[str, ...]
) -> bool:
    member = downstream.context.services.get(name)
    if member is None:
        raise RequestError(503, "")
    enter_member(downstream, request, member)
    service = resolve_composite(downstream, request, member)
    if service is not None and service.composite is not None:
        return forward_with_fallback(downstream, request, service, pass_host, above)
    if service is None or not service.rotation:
        raise RequestError(503 if service is None else service.service.responds_with or 503, "")
    return _forward_to_service(downstream, request, service, pass_host and service.pass_host_header)


def _forward_to_service(
    downstream: Downstream, request: Request, service: BalancedService, pass_host: bool
) -> bool:
    """Forward to the server that the service chooses, and to others if it does not respond."""
    body: RequestBody | None = None
    if request.content_length > 0 or request.chunked:
        downstream.body = body = begin_body(downstream, request)
    choose = service.choose or choose_by_ticket
    target = choose(service, downstream.context.tickets, request, downstream.peer)
    try:
        return forward_to_target(downstream, request, service, target, pass_host, body)
    except NoResponseError as error:
        extras = downstream.extras
        if not may_follow(None if extras is None else extras.retrying, error):
            raise
        return try_next_servers(downstream, request, service, pass_host, body, (target,), error)
