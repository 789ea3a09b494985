"""Which protocol a request begins, as far as its head tells: told apart where requests are counted."""

from __future__ import annotations

import re

HTTP, WEBSOCKET, SSE, GRPC, GRPC_WEB = range(5)

STOPPED = 8
"""Added to a kind where a middleware has answered, so that the service was never asked."""

_ACCEPTS_EVENTS = re.compile(rb"\r\n(?i:accept):[^\r\n]*(?i:text/event-stream)")
_GRPC_TYPE = re.compile(rb"\r\n(?i:content-type):[ \t]*application/grpc(-web)?")


def kind_of(headers: bytes, upgrade: bytes) -> int:
    """The kind of a request with these header lines, each with a leading CRLF."""
    if upgrade:
        return WEBSOCKET if upgrade.lower() == b"websocket" else HTTP
    # Most have neither, which is known without an expression.
    if b"text/event-stream" in headers and _ACCEPTS_EVENTS.search(headers):
        return SSE
    if b"application/grpc" in headers and (found := _GRPC_TYPE.search(headers)):
        return GRPC_WEB if found[1] else GRPC
    return HTTP
