"""One attempt at a server: takes a connection, sends the request, and waits for the response.

Every proxied request takes this path, and goes on in `server_response`. Both have few functions and create no
objects besides those of request and response, because all traffic pays for each call and allocation here.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.ejection.passive_check import record_outcome
from proxy.exchange.attempt_deadline import attempt_deadline, missed_deadline, set_deadline
from proxy.exchange.errors import ClientGoneError, FallbackError, NoResponseError
from proxy.exchange.grpc_errors import CANCELLED, is_call
from proxy.exchange.repeatable import is_repeatable
from proxy.exchange.request_body import RequestBody
from proxy.exchange.server_response import relay_response
from proxy.http1.grpc_status import NO_GRPC_STATUS, find_grpc_status
from proxy.http1.methods import IDEMPOTENT_METHODS
from proxy.http1.request_head import encode_head
from proxy.net.deadlines import NEVER, after
from proxy.per_request.extras import extras_of
from proxy.upstream.connection import DialError
from proxy.upstream.request_framing import begin_request

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.net.stream import Stream
    from proxy.upstream.endpoint import Target

MAX_REFUSALS = 5
"""How often a server may refuse a request, or end a connection of HTTP/2 in its midst.

A server that limits its connections to few requests ends them all the time, and may end each of several
connections just when this request comes.
"""

_EXHAUSTED = "service unavailable: the proxy has no file descriptor left for a connection to the server"


def request_head(downstream: Downstream, request: Request, target: Target, pass_host: bool) -> bytes:
    forwarded = downstream.forwarded(request.host)
    extras = downstream.extras
    if extras is not None:
        forwarded = extras.apply_forwarded_steps(forwarded)
    return encode_head(request, b"" if pass_host and request.host else target.host, forwarded)


def forward_to(
    downstream: Downstream, request: Request, target: Target, head: bytes, body: RequestBody | None
) -> bool:
    """Forward the request to one server and relay its response; return whether the client can send another.

    Raises NoResponseError or RequestError if nothing has been sent to the client, and ClientGoneError.
    """
    pool = target.pool
    timeout, deadline = pool.response_header_timeout, NEVER
    if request.kind or downstream.extras is not None:
        deadline = attempt_deadline(downstream, request)
        if deadline is not NEVER:
            timeout = min(timeout or NEVER, deadline - monotonic())
    idempotent = request.method in IDEMPOTENT_METHODS
    # A request that cannot be sent again over another connection must not get one that has ended.
    # HTTP/2 has no upgrades (RFC 9113 §8.6).
    avoids_http2 = request.upgrade and pool.may_speak_http2
    if avoids_http2:
        stream = None
    else:
        stream = pool.take() if idempotent and (body is None or body.done) else pool.take_alive()
    refusals = 0
    while True:
        reused = stream is not None
        if stream is None:
            try:
                left = deadline - monotonic()
                stream = pool.dial_http1(left) if avoids_http2 else pool.dial(left)
            except DialError as error:
                downstream.context.ejections.dial_failed(target, error)
                if error.exhausted:
                    raise NoResponseError(503, try_others=False, reason=_EXHAUSTED) from error
                raise NoResponseError(504 if error.timed_out else 502, try_others=True) from error
            # Others may have dialled, and have been served before.
            reused = stream.reused
        try:
            if deadline is not NEVER:
                set_deadline(downstream, stream, deadline)
            data = _send_request(downstream, stream, head, body, timeout)
            if data:
                goes_on = relay_response(downstream, request, target, stream, data, body, deadline)
                if request.kind:
                    _note_grpc_status(downstream, stream)
                return goes_on
            expired = stream.expired
            # A healthy server may reset the connection to refuse a body.
            started = body is not None and body.started
            if data is None and not (reused or expired or started or downstream.gone):
                downstream.context.ejections.eject(target, "connection reset before a response")
        except BaseException as failure:
            if body is not None:
                body.stop()
            stream.close()
            if isinstance(failure, ClientGoneError) and is_call(request):
                downstream.grpc_status = CANCELLED
            raise
        if body is not None:
            body.stop()
        stream.close()
        if downstream.gone:
            if is_call(request):
                downstream.grpc_status = CANCELLED
            raise ClientGoneError
        if body is not None and (body.failure or body.gone):
            raise NoResponseError(body.failure or 400, try_others=False, reason=body.reason)
        if expired:
            if deadline <= monotonic():
                raise missed_deadline(request)
            raise NoResponseError(504, try_others=False)
        refused = stream.unprocessed and (body is None or body.rewind())
        if not (refused or is_repeatable(downstream, request, body)):
            raise NoResponseError(502, try_others=False)
        refusals += refused or stream.reused
        if not ((reused or refused) and refusals <= MAX_REFUSALS):
            raise NoResponseError(502, try_others=True)
        stream = None


def _note_grpc_status(downstream: Downstream, stream: Stream) -> None:
    response = downstream.response
    found = NO_GRPC_STATUS if response is None else find_grpc_status(response.head, stream.trailers)
    if found != NO_GRPC_STATUS:
        downstream.grpc_status = found


def forward_observed(
    downstream: Downstream,
    request: Request,
    service: BalancedService,
    target: Target,
    head: bytes,
    body: RequestBody | None,
) -> bool:
    """Forward like `forward_to`, for services whose strategy observes servers or keeps clients by cookie."""
    endpoint = target.endpoint
    extras = extras_of(downstream)
    extras.start_timing(endpoint)
    sticky = service.sticky
    if sticky is not None:
        extras.cookie = b"" if sticky.find_member(request) is target else sticky.set_cookie_line(target)
    endpoint.active += 1
    outcome: int | None = None
    try:
        goes_on = forward_to(downstream, request, target, head, body)
        if downstream.response is not None:
            outcome = downstream.response.status
        return goes_on
    except NoResponseError as error:
        if error.retryable_status:
            outcome = error.status
        else:
            endpoint.fail(monotonic())
            if error.counts_as_failure:
                outcome = 0
        raise
    except FallbackError as fallback_error:
        outcome = fallback_error.status
        raise
    finally:
        endpoint.active -= 1
        if outcome is not None:
            record_outcome(downstream.context.ejections, service.service, target, outcome)


def _send_request(
    downstream: Downstream, stream: Stream, head: bytes, body: RequestBody | None, timeout: float
) -> bytes | None:
    """Send the request and return the first bytes of the response; b"" if none came, None after a reset.

    `timeout` is the time limit for the response's head in seconds, 0 for none.
    """
    downstream.awaiting = stream
    # The client may have left while this request waited for a middleware, a ticket or a connection.
    downstream.stream.watch()
    try:
        if body is None:
            if stream.multiplexed:
                begin_request(stream, head)
            else:
                stream.send(head)
        else:
            begin_request(stream, head, body.first, body.trailers if body.done else None, body.chunked)
            if not body.done:
                body.start(stream, timeout)
                return stream.recv()
        if timeout:
            stream.deadline = min(stream.deadline, after(timeout))
        return stream.recv()
    except (ConnectionResetError, BrokenPipeError):
        return None
    except OSError:
        return b""
    finally:
        downstream.awaiting = None
