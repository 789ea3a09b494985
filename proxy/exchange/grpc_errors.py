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
    from proxy.http1.request import Request
    from proxy.per_request.extras import Extras

FIRST_ERROR = 400

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

_MAX_MESSAGE = 1000
_ESCAPED = re.compile(rb"[^ -$&-~]")


def speaks_grpc(request: Request, extras: Extras | None) -> bool:
    """Return whether the client understands gRPC, over HTTP/2 or by a middleware that converts it."""
    kind = request.kind % STOPPED
    if kind == GRPC:
        return request.version == 2
    return kind == GRPC_WEB and extras is not None and extras.speaks_grpc


def error_lines(status: int, lines: bytes, content: bytes, grpc_status: int = 0) -> bytes:
    """Return the header lines of the gRPC error for an HTTP response with this status, lines and content.

    `grpc_status` replaces the one that follows from `status`.
    """
    message = b""
    if first_value(lines, b"content-type").startswith(b"text/plain"):
        message = content[:_MAX_MESSAGE].strip()
    message = message or b"%d %b" % (status, reason_phrase(status).lower())
    for name in (b"content-type", b"content-length", b"x-content-type-options"):
        lines = without(lines, name)
    return b"%b\r\nContent-Type: application/grpc\r\nGrpc-Status: %d\r\nGrpc-Message: %b" % (
        lines,
        grpc_status or _BY_HTTP_STATUS.get(status, UNKNOWN),
        _ESCAPED.sub(_escape, message),
    )


def _escape(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
