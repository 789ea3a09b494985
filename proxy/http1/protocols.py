"""The protocol of a request by its head, for the labels of request counters."""

from __future__ import annotations

import re

HTTP, WEBSOCKET, SSE, GRPC, GRPC_WEB = range(5)

STOPPED = 8
"""Added to a kind if a middleware has responded, so that no server got the request."""

_ACCEPTS_EVENTS = re.compile(rb"\r\n(?i:accept):[^\r\n]*(?i:text/event-stream)")
_GRPC_TYPE = re.compile(rb"\r\n(?i:content-type):[ \t]*application/grpc(-web)?")


def kind_of(headers: bytes, upgrade: bytes) -> int:
    """Return the kind of a request with these header lines, each with a leading CRLF."""
    if upgrade:
        return WEBSOCKET if upgrade.lower() == b"websocket" else HTTP
    # Most requests have neither, and a plain search finds that out without a regular expression.
    if b"text/event-stream" in headers and _ACCEPTS_EVENTS.search(headers):
        return SSE
    if b"application/grpc" in headers and (found := _GRPC_TYPE.search(headers)):
        return GRPC_WEB if found[1] else GRPC
    return HTTP
