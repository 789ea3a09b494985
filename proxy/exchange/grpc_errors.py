"""Turns responses of the proxy's own into gRPC errors, which are all that a gRPC client understands.

Such a response has the HTTP status 200, no content, and the error in its head (Trailers-Only in gRPC's
protocol over HTTP/2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.http1.header_lines import first_value, without
from proxy.http1.protocols import GRPC, GRPC_WEB, STOPPED
from proxy.http1.response_head import reason_phrase

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.per_request.extras import Extras

FIRST_ERROR = 400

CANCELLED = 1
UNKNOWN = 2
DEADLINE_EXCEEDED = 4
PERMISSION_DENIED = 7
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
UNAUTHENTICATED = 16

# gRPC's http-grpc-status-mapping: what its clients make of such HTTP responses.
_BY_HTTP_STATUS = {
    400: INTERNAL,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    404: UNIMPLEMENTED,
    429: UNAVAILABLE,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: UNAVAILABLE,
}

_CUT = b"grpc-status: %d\r\ngrpc-message: the response of the server ended early\r\n"

_MAX_MESSAGE = 1000
_ESCAPED = re.compile(rb"[^ -$&-~]")


def speaks_grpc(request: Request, extras: Extras | None) -> bool:
    """Return whether the client understands gRPC, over HTTP/2 or by a middleware that converts it."""
    kind = request.kind % STOPPED
    if kind == GRPC:
        return request.version == 2
    return kind == GRPC_WEB and extras is not None and extras.speaks_grpc


def is_call(request: Request) -> bool:
    """Return whether the request is one of gRPC or gRPC-Web."""
    return request.kind % STOPPED >= GRPC


def grpc_status_for(status: int) -> int:
    """Return the gRPC status for an HTTP status."""
    return _BY_HTTP_STATUS.get(status, UNKNOWN)


def error_lines(status: int, lines: bytes, content: bytes, grpc_status: int) -> bytes:
    """Return the header lines of a gRPC error for an HTTP response with this status, lines and content."""
    message = b""
    if first_value(lines, b"content-type").startswith(b"text/plain"):
        message = content[:_MAX_MESSAGE].strip()
    message = message or b"%d %b" % (status, reason_phrase(status).lower())
    for name in (b"content-type", b"content-length", b"x-content-type-options"):
        lines = without(lines, name)
    return b"%b\r\nContent-Type: application/grpc\r\nGrpc-Status: %d\r\nGrpc-Message: %b" % (
        lines,
        grpc_status,
        _ESCAPED.sub(_escape, message),
    )


def end_call(downstream: Downstream, request: Request, response: Response, status: int) -> bool:
    """End a call whose response cannot be completed with this status in trailers, if its client speaks gRPC.

    A reset of the stream would tell the client less, and it would not know that it may try again.
    """
    speaks = speaks_grpc(request, None) and response.length < 0
    if not (speaks and first_value(response.head, b"content-type").startswith(b"application/grpc")):
        return False
    if downstream.has_left():
        # That is why the response was cut.
        downstream.grpc_status = CANCELLED
        return False
    downstream.grpc_status = status
    downstream.send_content(b"", _CUT % status)
    return True


def _escape(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
