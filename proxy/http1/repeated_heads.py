"""Reuses the parsed values of the last head of a connection, or of a client, if the next repeats its bytes.

On a keep-alive connection most requests repeat the header lines of the last request with another target. So
do clients that open a connection for each request. The responses of a server within one second often have
equal heads. Equal bytes mean the same, so the lines
are compared with those of the last head before they are parsed. The comparison costs almost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.request import Request, parse_request
from proxy.http1.response import Response, parse_response

if TYPE_CHECKING:
    from proxy.http1.limits import Limits

MAX_REMEMBERED_BYTES = 4096
"""The most bytes of a head that are remembered, because an idle connection keeps them in memory."""


MAX_CLIENTS = 256
"""The most clients whose last heads are remembered for their next connection."""


class RequestHeads:
    """Parses the heads of one connection; begins with what an `earlier` connection has remembered."""

    __slots__ = ("_lines", "_parsed")

    def __init__(self, earlier: RequestHeads | None = None) -> None:
        self._lines = b""
        # The parsed values of those lines; not the request itself, which middlewares may change.
        self._parsed: tuple[bytes, bytes, int, bool, bool, bytes, int] | None = None
        if earlier is not None:
            self._lines, self._parsed = earlier._lines, earlier._parsed

    def parse(self, data: bytes, limits: Limits) -> Request | None:
        """Parse a head like `parse_request`; other request lines than the common ones are always parsed."""
        line = limits.targets.request_line.match(data)
        if line is None:
            return parse_request(data, limits)
        start = line.end()
        parsed = self._parsed
        if parsed is not None and data.startswith(self._lines, start):
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
                ) = parsed
                return request
        fresh = parse_request(data, limits)
        if fresh is not None and fresh.size <= MAX_REMEMBERED_BYTES:
            self._lines = data[start : fresh.size]
            self._parsed = (
                fresh.host,
                fresh.headers,
                fresh.content_length,
                fresh.chunked,
                fresh.keep_alive,
                fresh.upgrade,
                fresh.kind,
            )
        return fresh


class ClientHeads:
    """The heads of the clients of one entry point that opened connections last.

    All connections of one client must have the same limits.
    """

    __slots__ = ("_by_client",)

    def __init__(self) -> None:
        self._by_client: dict[str, RequestHeads] = {}

    def begin(self, client: str) -> RequestHeads:
        """Return what parses the heads of a new connection from this address."""
        by_client = self._by_client
        heads = by_client[client] = RequestHeads(by_client.pop(client, None))
        if len(by_client) > MAX_CLIENTS:
            # The client whose last connection is the oldest.
            del by_client[next(iter(by_client))]
        return heads


class ResponseHeads:
    """Parses the heads that one server sends."""

    __slots__ = ("_head", "_parsed")

    def __init__(self) -> None:
        self._head = b""
        self._parsed: Response | None = None

    def parse(self, data: bytes, method: bytes, limit: int) -> Response | None:
        """Parse a head like `parse_response`."""
        parsed = self._parsed
        if parsed is not None and data.startswith(self._head) and method != b"HEAD":
            return parsed
        response = parse_response(data, method, limit)
        if (
            response is not None
            and response.size <= MAX_REMEMBERED_BYTES
            and response.status >= 200
            and method != b"HEAD"
        ):
            self._head = data[: response.size]
            self._parsed = response
        return response
