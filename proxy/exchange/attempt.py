"""One server's attempt at a request: head and body out, the answer back.

Every proxied request takes this way. It is kept in few functions, with no objects beyond the request's and
the response's own, because each call and allocation here is paid for by all traffic.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.exchange.errors import ClientGoneError, NoAnswerError
from proxy.exchange.request_body import RequestBody
from proxy.exchange.response_relay import CUT, WHOLE, relay_body
from proxy.exchange.tunnel import tunnel
from proxy.http1.errors import ResponseError
from proxy.http1.request import Request, without
from proxy.http1.upgrades import was_offered
from proxy.net.deadlines import NEVER, after
from proxy.per_request.extras import extras_of
from proxy.upstream.connection import DialError

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.exchange.downstream import Downstream
    from proxy.http1.response import Response
    from proxy.net.stream import Stream
    from proxy.upstream.endpoint import Target

# RFC 9110 §9.2.2
_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
_RESPONSE_HEAD_LIMIT = 65536
_EXHAUSTED = "service unavailable: the proxy has no file descriptor left for a connection to the server"


def request_head(downstream: Downstream, request: Request, target: Target, pass_host: bool) -> bytes:
    headers = request.headers
    if not (pass_host and request.host):
        headers = b"\r\nHost: " + target.host + without(headers, b"host")
    if request.chunked:
        headers += b"\r\nTransfer-Encoding: chunked"
    elif request.content_length >= 0:
        headers += b"\r\nContent-Length: %d" % request.content_length
    if request.upgrade:
        headers += b"\r\nConnection: Upgrade\r\nUpgrade: " + request.upgrade
    return b"%b %b HTTP/1.1%b%b\r\n\r\n" % (
        request.method,
        request.target,
        headers,
        downstream.forwarded(request.host),
    )


def forward_to(
    downstream: Downstream, request: Request, target: Target, head: bytes, body: RequestBody | None
) -> bool:
    """Have one server answer. Raises NoAnswerError as long as nothing has been sent to the client."""
    pool = target.pool
    idempotent = request.method in _IDEMPOTENT
    stream = pool.take() if idempotent else pool.take_alive()
    while True:
        reused = stream is not None
        if stream is None:
            try:
                stream = pool.dial()
            except DialError as error:
                if error.unreachable:
                    downstream.context.ejections.eject(target, str(error))
                if error.exhausted:
                    raise NoAnswerError(503, elsewhere=False, reason=_EXHAUSTED) from error
                raise NoAnswerError(504 if error.timed_out else 502, elsewhere=True) from error
        try:
            data = _first_bytes(downstream, stream, head, body)
            if data:
                return _relay(downstream, request, target, stream, data, body)
            expired = stream.expired
            # A body that is refused may end in a reset of a server that is well.
            started = body is not None and body.started
            if data is None and not (reused or expired or started or downstream.gone):
                downstream.context.ejections.eject(target, "connection reset before an answer")
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
            raise NoAnswerError(body.failure or 400, elsewhere=False, reason=body.reason)
        if expired:
            raise NoAnswerError(504, elsewhere=False)
        if not _repeatable(downstream, request, body):
            raise NoAnswerError(502, elsewhere=False)
        if not reused:
            raise NoAnswerError(502, elsewhere=True)
        stream = None


def forward_observed(
    downstream: Downstream,
    request: Request,
    service: BalancedService,
    target: Target,
    head: bytes,
    body: RequestBody | None,
) -> bool:
    """As `forward_to`, for services whose way of choosing looks at what servers do, or keeps clients."""
    endpoint = target.endpoint
    extras = extras_of(downstream)
    extras.start_timing(endpoint)
    sticky = service.sticky
    if sticky is not None:
        extras.cookie = b"" if sticky.find_member(request) is target else sticky.set_cookie_line(target)
    endpoint.active += 1
    try:
        return forward_to(downstream, request, target, head, body)
    except NoAnswerError as error:
        if not error.unwanted:
            endpoint.fail(monotonic())
        raise
    finally:
        endpoint.active -= 1


def _first_bytes(
    downstream: Downstream, stream: Stream, head: bytes, body: RequestBody | None
) -> bytes | None:
    """Send the request and wait for the answer's first bytes; b"" when none came, None for a reset."""
    timeout = downstream.context.upstream_timeouts.response_header
    downstream.awaiting = stream
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
    """Pass the response on that starts with `data`; whether the client's connection can take another."""
    response, data = _final_response(downstream, request, target, stream, data)
    stream.deadline = NEVER
    if body is not None:
        body.answered = True
    downstream.response = response
    answer = response.head
    extras = downstream.extras
    if extras is not None:
        answer = extras.complete_head(answer)
        retrying = extras.retrying
        if (
            retrying is not None
            and response.status in retrying.policy.statuses
            and retrying.may_retry(1)
            and _repeatable(downstream, request, body)
        ):
            raise NoAnswerError(response.status, elsewhere=False, unwanted=True)
    downstream.status = response.status
    if response.status == 101:
        # RFC 9110 §7.8: the new protocol begins behind the whole request.
        if body is not None and not body.join():
            raise NoAnswerError(502, elsewhere=False)
        downstream.send(
            b"%b\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n%b" % (answer, response.upgrade, data)
        )
        tunnel(downstream, stream)
        return False
    finished = body is None or body.done
    keep_alive = (
        request.keep_alive
        and finished
        and not downstream.context.draining
        and (response.length >= 0 or request.version == 1)
    )
    outcome = relay_body(downstream, stream, response, answer, data, request.version, keep_alive)
    if body is not None and not finished:
        body.stop()
        stream.close()
        if outcome is not CUT:
            downstream.linger()
        return False
    if outcome is WHOLE and response.keep_alive:
        target.pool.give(stream)
        return keep_alive
    stream.close()
    if outcome is CUT and response.length < 0 and not request.version:
        # Only a reset tells this client that the end is not the end.
        downstream.stream.reset()
    return outcome is not CUT and keep_alive


def _final_response(
    downstream: Downstream, request: Request, target: Target, stream: Stream, data: bytes
) -> tuple[Response, bytes]:
    """The response that counts, and the bytes behind its head; interim ones are passed on as they come."""
    try:
        while True:
            response = target.pool.heads.parse(data, request.method, _RESPONSE_HEAD_LIMIT)
            if response is None:
                more = stream.recv()
                if not more:
                    raise NoAnswerError(504 if stream.expired else 502, elsewhere=False)
                data += more
                continue
            data = data[response.size :]
            if response.status >= 200:
                return response, data
            if response.status == 101:
                # To a request without an upgrade, none was offered.
                if not was_offered(request.upgrade, response.upgrade):
                    raise NoAnswerError(502, elsewhere=False)
                return response, data
            if request.version:
                downstream.send(response.head + b"\r\n\r\n")
    except (ResponseError, OSError) as error:
        raise NoAnswerError(502, elsewhere=False) from error


def _repeatable(downstream: Downstream, request: Request, body: RequestBody | None) -> bool:
    """Whether the request may be sent once more although a server may have performed it (RFC 9110 §9.2.2)."""
    if body is not None and body.started:
        return False
    if request.method in _IDEMPOTENT:
        return True
    extras = downstream.extras
    return extras is not None and extras.retrying is not None and extras.retrying.policy.any_method
