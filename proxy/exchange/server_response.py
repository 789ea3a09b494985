"""Takes a server's response, and sends the client what becomes of it."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.exchange.body_preview import preview_body, read_body_start
from proxy.exchange.buffered_response import relay_buffered
from proxy.exchange.errors import FallbackError, NoResponseError
from proxy.exchange.filtered_relay import relay_filtered
from proxy.exchange.grpc_errors import DEADLINE_EXCEEDED, UNAVAILABLE, end_call, grpc_status_for
from proxy.exchange.local_response import send_whole
from proxy.exchange.repeatable import is_repeatable
from proxy.exchange.response_relay import COMPLETE, CUT, WITH_EXCESS, relay_body
from proxy.exchange.server_body import ServerBody
from proxy.exchange.streamed_response import send_pieces
from proxy.exchange.tunnel import tunnel
from proxy.http1.errors import ResponseError
from proxy.http1.upgrades import was_offered
from proxy.net.deadlines import NEVER
from proxy.upstream.http2_stream import Http2Stream

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_body import RequestBody
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.stream import Stream
    from proxy.upstream.endpoint import Target

_RESPONSE_HEAD_LIMIT = 65536


def relay_response(
    downstream: Downstream,
    request: Request,
    target: Target,
    stream: Stream,
    data: bytes,
    body: RequestBody | None,
    deadline: float = NEVER,
) -> bool:
    """Relay the response that starts with `data`; return whether the client's connection can take another.

    After `deadline`, in monotonic seconds, the response is cut.
    """
    response, data = _final_response(downstream, request, target, stream, data)
    stream.deadline = deadline
    if body is not None:
        body.begin_response(stream)
    downstream.response = response
    if downstream.sampled:
        downstream.begin_response(response.status)
    response_head, status, length = response.head, response.status, response.length
    body_filter = content = pieces = server_body = None
    extras = downstream.extras
    if extras is not None:
        extras.record_response()
        if response.status in extras.fallback_statuses:
            raise FallbackError(response.status)
        retrying = extras.retrying
        if (
            retrying is not None
            and retrying.wants_status(status)
            and is_repeatable(downstream, request, body)
        ):
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
    downstream.status = status
    if response.status == 101 and content is None:
        # RFC 9110 §7.8: the new protocol begins after the whole request.
        if body is not None and not body.join():
            raise NoResponseError(502, try_others=False)
        stream.deadline = NEVER
        downstream.switch_protocols(response_head, response.upgrade, data)
        tunnel(downstream, stream)
        return False
    finished = body is None or body.done
    if content is not None:
        send_whole(downstream, request, response_head, content, body_filter, finished)
        outcome = COMPLETE if _is_read(response, data, server_body) else WITH_EXCESS
    elif pieces is not None:
        whole = send_pieces(downstream, request, response_head, pieces, body_filter, finished, server_body)
        outcome = CUT if not whole else COMPLETE if _is_read(response, data, server_body) else WITH_EXCESS
    elif body_filter is None:
        outcome = relay_body(downstream, request, stream, response, response_head, data, finished)
    else:
        outcome = relay_filtered(
            downstream, request, stream, response, response_head, data, finished, body_filter
        )
    if outcome is CUT:
        if body is not None and not body.is_sent:
            body.stop()
        stream.close()
        relayed = body_filter is None and pieces is None
        if not (
            request.kind and relayed and end_call(downstream, request, response, _status_of(body, deadline))
        ):
            downstream.cut_short()
        return downstream.goes_on
    if body is not None and not body.is_sent:
        unread = not body.done
        body.stop()
        stream.close()
        if unread:
            downstream.linger()
        return downstream.goes_on
    if outcome is COMPLETE and response.keep_alive:
        target.pool.give(stream)
        return downstream.goes_on
    stream.close()
    return downstream.goes_on


def _status_of(body: RequestBody | None, deadline: float) -> int:
    """Return the gRPC status of a call whose response was cut."""
    if body is not None and body.failure:
        return grpc_status_for(body.failure)
    return DEADLINE_EXCEEDED if deadline <= monotonic() else UNAVAILABLE


def _final_response(
    downstream: Downstream, request: Request, target: Target, stream: Stream, data: bytes
) -> tuple[Response, bytes]:
    """Return the final response and the bytes after its head; relay interim responses as they come."""
    try:
        if stream.multiplexed:
            return _final_of_http2(downstream, request, stream)
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


def _final_of_http2(downstream: Downstream, request: Request, stream: Stream) -> tuple[Response, bytes]:
    assert isinstance(stream, Http2Stream)  # noqa: S101 (it is multiplexed)
    while (response := stream.take_response()) is not None:
        if response.status >= 200:
            return response, stream.take_content()
        downstream.send_interim(request, response.head)
    raise NoResponseError(504, try_others=False)


def _is_read(response: Response, data: bytes, server_body: ServerBody | None) -> bool:
    """Return whether exactly the whole body was received, though another one went to the client.

    `data` came with the head; the rest may have been read by a middleware.
    """
    if server_body is not None and server_body.started:
        return server_body.complete
    # A connection that has switched protocols takes no other request.
    return len(data) == response.length and response.status != 101
