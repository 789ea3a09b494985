"""Heads that say again what the connection has just said, which need not be parsed again.

Clients that keep a connection mostly send the header lines of their last request, only the target is
another; and a server's answers in one second often begin alike. Equal bytes mean the same, so the lines
are compared with those of the last head, which costs next to nothing, before they are parsed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.http1.request import Request, parse_request
from proxy.http1.response import Response, parse_response

if TYPE_CHECKING:
    from proxy.http1.limits import Limits

KEPT = 4096
"""Bytes of a head that are remembered at most: an idle connection holds them."""

# The request lines that need no second look; all others take the long way.
_LINE = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[!-\"$-~]*+) HTTP/1\.1\r\n")


class RequestHeads:
    """Parses the heads of one connection."""

    __slots__ = ("_known", "_lines")

    def __init__(self) -> None:
        self._lines = b""
        # What those lines said; not the request itself, which may be changed on its way.
        self._known: tuple[bytes, bytes, int, bool, bool, bytes, int] | None = None

    def parse(self, data: bytes, limits: Limits) -> Request | None:
        """As `parse_request`."""
        line = _LINE.match(data)
        if line is None:
            return parse_request(data, limits)
        start = line.end()
        known = self._known
        if known is not None and data.startswith(self._lines, start):
            size = start + len(self._lines)
            if start <= limits.line_bytes and size <= limits.head_bytes:
                request = Request()
                request.size = size
                request.version = 1
                request.method, request.target = line.groups()
                (
                    request.host,
                    request.headers,
                    request.content_length,
                    request.chunked,
                    request.keep_alive,
                    request.upgrade,
                    request.kind,
                ) = known
                return request
        fresh = parse_request(data, limits)
        if fresh is not None and fresh.size <= KEPT:
            self._lines = data[start : fresh.size]
            self._known = (
                fresh.host,
                fresh.headers,
                fresh.content_length,
                fresh.chunked,
                fresh.keep_alive,
                fresh.upgrade,
                fresh.kind,
            )
        return fresh


class ResponseHeads:
    """Parses the heads that one server sends."""

    __slots__ = ("_head", "_known")

    def __init__(self) -> None:
        self._head = b""
        self._known: Response | None = None

    def parse(self, data: bytes, method: bytes, limit: int) -> Response | None:
        """As `parse_response`."""
        known = self._known
        if known is not None and data.startswith(self._head) and method != b"HEAD":
            return known
        response = parse_response(data, method, limit)
        if response is not None and response.size <= KEPT and response.status >= 200 and method != b"HEAD":
            self._head = data[: response.size]
            self._known = response
        return response
