"""Sends responses of the proxy's own: errors, and what middlewares respond in a server's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.body_portions import feed_in_portions
from proxy.exchange.grpc_errors import FIRST_ERROR, error_lines, grpc_status_for, speaks_grpc
from proxy.exchange.streamed_response import send_pieces
from proxy.http1.body_source import PiecesSource, content_source
from proxy.http1.error_response import error_content, local_head
from proxy.http1.response import UNTIL_CLOSE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.exchange.downstream import Downstream
    from proxy.http1.body_filter import BodyFilter
    from proxy.http1.request import Request


def refuse(
    downstream: Downstream,
    request: Request,
    status: int,
    reason: str = "",
    *,
    body_read: bool = False,
    allow: str = "",
    grpc_status: int = 0,
) -> bool:
    """Respond with an error; return whether another request can follow.

    `reason` and `allow` are as in `error_content`, `body_read` and `grpc_status` as in `respond`. Raises
    ClientGoneError.
    """
    lines, content = error_content(status, reason, allow)
    return respond(downstream, request, status, lines, content, body_read=body_read, grpc_status=grpc_status)


def respond(
    downstream: Downstream,
    request: Request,
    status: int,
    lines: bytes,
    content: bytes,
    *,
    body_read: bool = False,
    grpc_status: int = 0,
    long_body: Iterable[bytes] | None = None,
) -> bool:
    """Respond with these header lines and this content; return whether another request can follow.

    A gRPC client gets an error as gRPC, with `grpc_status` unless that is 0. Without `body_read`, the
    request's body, if it has one, is still unread. A `long_body` is sent in place of the content, piece by
    piece. Raises ClientGoneError.
    """
    extras = downstream.extras
    if status >= FIRST_ERROR and request.kind and speaks_grpc(request, extras):
        downstream.grpc_status = grpc_status = grpc_status or grpc_status_for(status)
        lines = error_lines(status, lines, content, grpc_status)
        status, content = 200, b""
    # A buffered body is not in the client's buffer any more, but its length is still the request's.
    buffered = extras is not None and extras.request_content is not None
    skipped = body_read or buffered or downstream.skip_body(request)
    pieces = None if long_body is None else iter(long_body)
    length = len(content) if pieces is None else UNTIL_CLOSE
    head = local_head(status, lines, length)
    if request.method == b"HEAD":
        content = b""
    body_filter = None
    if extras is not None:
        source = None
        if extras.reads_body:
            source = content_source(content) if pieces is None else PiecesSource(pieces)
        head = extras.apply_response_steps(head, length if pieces else len(content), content, source)
        status, body_filter = extras.status or status, extras.body_filter
        if extras.pieces is not None or extras.content is not None:
            content, pieces = extras.content or b"", extras.pieces
    downstream.status, downstream.refused = status, True
    if pieces is None:
        send_whole(downstream, request, head, content, body_filter, skipped)
    elif not send_pieces(downstream, request, head, pieces, body_filter, skipped):
        return False
    if not skipped:
        downstream.linger()
    return downstream.goes_on


def send_whole(
    downstream: Downstream,
    request: Request,
    head: bytes,
    content: bytes,
    body_filter: BodyFilter | None,
    request_read: bool,
) -> None:
    """Send a response whose whole content is known, through its filter if it has one. Raises ClientGoneError.

    Without a filter, `head` tells the length of the content; the response to HEAD has none.
    """
    if request.method == b"HEAD":
        content = b""
    elif body_filter is not None:
        content = feed_in_portions(body_filter, content) + body_filter.finish()
        head = b"%b\r\nContent-Length: %d" % (head, len(content))
    downstream.send_head(request, head, len(content), request_read, content)
