"""One attempt at a server: sends head and body, and relays the response.

Every proxied request takes this path. It has few functions and creates no objects besides those of request
and response, because all traffic pays for each call and allocation here.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.ejection.passive_check import record_outcome
from proxy.exchange.body_preview import preview_body, read_body_start
from proxy.exchange.buffered_response import relay_buffered
from proxy.exchange.errors import ClientGoneError, FallbackError, NoResponseError
from proxy.exchange.filtered_relay import relay_filtered
from proxy.exchange.local_response import send_whole
from proxy.exchange.request_body import RequestBody
from proxy.exchange.response_relay import COMPLETE, CUT, WITH_EXCESS, relay_body
from proxy.exchange.server_body import ServerBody
from proxy.exchange.streamed_response import send_pieces
from proxy.exchange.tunnel import tunnel
from proxy.http1.errors import ResponseError
from proxy.http1.methods import IDEMPOTENT_METHODS
from proxy.http1.request_head import encode_head
from proxy.http1.response import UNTIL_CLOSE
from proxy.http1.upgrades import was_offered
from proxy.net.deadlines import NEVER, after
from proxy.per_request.extras import extras_of
from proxy.upstream.connection import DialError

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.stream import Stream
    from proxy.upstream.endpoint import Target

_RESPONSE_HEAD_LIMIT = 65536
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

    Raises NoResponseError if nothing has been sent to the client, and ClientGoneError.
    """
    pool = target.pool
    idempotent = request.method in IDEMPOTENT_METHODS
    # A request that cannot be sent again over another connection must not get one that has ended.
    stream = pool.take() if idempotent and (body is None or body.done) else pool.take_alive()
    while True:
        reused = stream is not None
        if stream is None:
            try:
                stream = pool.dial()
            except DialError as error:
                if error.unreachable:
                    downstream.context.ejections.eject(target, str(error))
                if error.exhausted:
                    raise NoResponseError(503, try_others=False, reason=_EXHAUSTED) from error
                raise NoResponseError(504 if error.timed_out else 502, try_others=True) from error
        try:
            data = _send_request(downstream, stream, head, body, pool.response_header_timeout)
            if data:
                return _relay(downstream, request, target, stream, data, body)
            expired = stream.expired
            # A healthy server may reset the connection to refuse a body.
            started = body is not None and body.started
            if data is None and not (reused or expired or started or downstream.gone):
                downstream.context.ejections.eject(target, "connection reset before a response")
        except BaseException:
            if body is not None:
                body.stop()
            stream.close()
            raise
        if body is not None:
            body.stop()
        stream.close()
        if downstream.gone:
            raise ClientGoneError
        if body is not None and (body.failure or body.gone):
            raise NoResponseError(body.failure or 400, try_others=False, reason=body.reason)
        if expired:
            raise NoResponseError(504, try_others=False)
        if not _repeatable(downstream, request, body):
            raise NoResponseError(502, try_others=False)
        if not reused:
            raise NoResponseError(502, try_others=True)
        stream = None


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
    except FallbackError as error:
        outcome = error.status
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
            stream.send(head)
        else:
            stream.send(head + body.first)
            if not body.done:
                body.start(stream, timeout)
                return stream.recv()
        if timeout:
            stream.deadline = after(timeout)
        return stream.recv()
    except (ConnectionResetError, BrokenPipeError):
        return None
    except OSError:
        return b""
    finally:
        downstream.awaiting = None


def _relay(
    downstream: Downstream,
    request: Request,
    target: Target,
    stream: Stream,
    data: bytes,
    body: RequestBody | None,
) -> bool:
    """Relay the response that starts with `data`; return whether the client's connection can take another."""
    response, data = _final_response(downstream, request, target, stream, data)
    stream.deadline = NEVER
    if body is not None:
        body.response_begun = True
    downstream.response = response
    response_head = response.head
    status = response.status
    length = response.length
    body_filter = content = pieces = server_body = None
    extras = downstream.extras
    if extras is not None:
        extras.record_response()
        if response.status in extras.fallback_statuses:
            raise FallbackError(response.status)
        retrying = extras.retrying
        if retrying is not None and retrying.wants_status(status) and _repeatable(downstream, request, body):
            raise NoResponseError(status, try_others=False, retryable_status=True)
        if extras.response_limits is not None and length and status != 101:
            return relay_buffered(downstream, request, target, stream, response, data, body)
        body_start = b""
        if extras.needs_body_start and status != 101:
            data, body_start = read_body_start(downstream, stream, response, data)
        seen = length
        if length < 0 and extras.preview_bytes:
            data, seen = preview_body(stream, length, data, extras.preview_bytes)
        if extras.reads_body and status != 101:
            server_body = ServerBody(downstream, stream, response, data)
        response_head = extras.complete_head(response_head, seen, body_start, server_body)
        status = extras.status or status
        body_filter, content, pieces = extras.body_filter, extras.content, extras.pieces
        if content is not None:
            length = len(content)
        elif body_filter is not None or pieces is not None:
            length = UNTIL_CLOSE
    downstream.status = status
    if response.status == 101 and content is None:
        # RFC 9110 §7.8: the new protocol begins after the whole request.
        if body is not None and not body.join():
            raise NoResponseError(502, try_others=False)
        downstream.switch_protocols(response_head, response.upgrade, data)
        tunnel(downstream, stream)
        return False
    finished = body is None or body.done
    keep_alive = (
        request.keep_alive
        and finished
        and not downstream.context.draining
        and (length >= 0 or request.version == 1)
    )
    if content is not None:
        send_whole(downstream, request, response_head, content, body_filter, keep_alive)
        outcome = COMPLETE if _is_read(response, data, server_body) else WITH_EXCESS
    elif pieces is not None:
        whole = send_pieces(downstream, request, response_head, pieces, body_filter, keep_alive, server_body)
        outcome = CUT if not whole else COMPLETE if _is_read(response, data, server_body) else WITH_EXCESS
    elif body_filter is None:
        outcome = relay_body(downstream, request, stream, response, response_head, data, keep_alive)
    else:
        outcome = relay_filtered(
            downstream, request, stream, response, response_head, data, keep_alive, body_filter
        )
    if body is not None and not finished:
        body.stop()
        stream.close()
        if outcome is not CUT:
            downstream.linger()
        return False
    if outcome is COMPLETE and response.keep_alive:
        target.pool.give(stream)
        return keep_alive
    stream.close()
    if outcome is CUT and length < 0 and not request.version:
        # Only a reset tells this client that the response is incomplete.
        downstream.stream.reset()
    return outcome is not CUT and keep_alive


def _final_response(
    downstream: Downstream, request: Request, target: Target, stream: Stream, data: bytes
) -> tuple[Response, bytes]:
    """Return the final response and the bytes after its head; relay interim responses as they come."""
    try:
        while True:
            response = target.pool.heads.parse(data, request.method, _RESPONSE_HEAD_LIMIT)
            if response is None:
                more = stream.recv()
                if not more:
                    raise NoResponseError(504 if stream.expired else 502, try_others=False)
                data += more
                continue
            data = data[response.size :]
            if response.status >= 200:
                return response, data
            if response.status == 101:
                # To a request without an upgrade, none was offered.
                if not was_offered(request.upgrade, response.upgrade):
                    raise NoResponseError(502, try_others=False)
                return response, data
            downstream.send_interim(request, response.head)
    except (ResponseError, OSError) as error:
        raise NoResponseError(502, try_others=False) from error


def _is_read(response: Response, data: bytes, server_body: ServerBody | None) -> bool:
    """Return whether exactly the whole body was received, though another one went to the client.

    `data` came with the head; the rest may have been read by a middleware.
    """
    if server_body is not None and server_body.started:
        return server_body.complete
    # A connection that has switched protocols takes no other request.
    return len(data) == response.length and response.status != 101


def _repeatable(downstream: Downstream, request: Request, body: RequestBody | None) -> bool:
    """Return whether the request may be sent again although a server may have run it (RFC 9110 §9.2.2)."""
    if body is not None and not body.repeatable:
        return False
    if request.method in IDEMPOTENT_METHODS:
        return True
    extras = downstream.extras
    return extras is not None and extras.retrying is not None and extras.retrying.any_method
