"""Encodes the head of a request for a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.header_lines import without

if TYPE_CHECKING:
    from proxy.http1.request import Request

_HTTP, _WS = b"\r\nX-Forwarded-Proto: http", b"\r\nX-Forwarded-Proto: ws"


def encode_head(request: Request, host: bytes, forwarded: bytes) -> bytes:
    """Return the request's head with framing; the lines of `forwarded` come last.

    `host` replaces the request's Host, unless it is empty.
    """
    headers = request.headers
    if host:
        headers = b"\r\nHost: " + host + without(headers, b"host")
    if request.chunked:
        headers += b"\r\nTransfer-Encoding: chunked"
    elif request.content_length >= 0:
        headers += b"\r\nContent-Length: %d" % request.content_length
    if request.upgrade:
        headers += b"\r\nConnection: Upgrade\r\nUpgrade: " + request.upgrade
        if request.upgrade.lower() == b"websocket":
            # As in Traefik, `ws` and `wss`. A value that a trusted proxy has sent is not among these lines.
            forwarded = forwarded.replace(_HTTP, _WS, 1)
    return b"%b %b HTTP/1.1%b%b\r\n\r\n" % (request.method, request.target, headers, forwarded)
