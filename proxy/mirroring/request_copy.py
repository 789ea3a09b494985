"""A copy of a request, and the client that the middlewares of mirrors see in place of the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.content_decoder import content_decoder
from proxy.http1.header_lines import without
from proxy.http1.request import Request

if TYPE_CHECKING:
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.limits import Limits
    from proxy.middlewares.step import Client, ReadTimeout, SharedState
    from proxy.net.client_gone import Awaited
    from proxy.net.client_stream import ClientStream
    from proxy.per_request.extras import Extras
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import Trace

# They concern the transfer of the content, which a copy has at once or not at all.
_TRANSFER_NAMES = (b"expect", b"trailer")


def copy_request(request: Request, content: bytes) -> Request:
    """Return a copy of the request as it is now, with this content."""
    copy = Request()
    copy.method, copy.target, copy.host = request.method, request.target, request.host
    copy.headers = request.headers
    for name in _TRANSFER_NAMES:
        copy.headers = without(copy.headers, name)
    copy.version, copy.size, copy.kind, copy.upgrade = 1, 0, 0, b""
    copy.chunked, copy.keep_alive = False, True
    copy.content_length = len(content) if content else -1
    return copy


class CopiedClient:
    """The client of a copy, a `Client`: it has the properties of the real client, and nothing reaches that.

    The content is in `buffer`. `forwarded` returns the lines of the original request for any Host.
    """

    __slots__ = (
        "_forwarded",
        "awaiting",
        "buffer",
        "context",
        "entry_point",
        "extras",
        "gone",
        "limits",
        "peer",
        "status",
        "stream",
        "tally",
        "timeouts",
        "tls",
        "username",
    )

    def __init__(self, client: Client, forwarded: bytes, content: bytes) -> None:
        self.awaiting: Awaited | None = None
        self.buffer = content
        self.context: SharedState = client.context
        self.entry_point = client.entry_point
        self.extras: Extras | None = None
        self.gone = False
        self.limits: Limits = client.limits
        self.peer = client.peer
        self.status = 499
        # Nothing is read from it, because all content is in `buffer`.
        self.stream: ClientStream = client.stream
        self.tally: Tally = client.tally
        self.timeouts: ReadTimeout = client.timeouts
        self.tls = client.tls
        self.username = b""
        self._forwarded = forwarded

    def recv(self) -> bytes:
        """Return b"": there is no more content."""
        return b""

    def content_decoder(self, request: Request) -> ContentDecoder:
        """Return the decoder for the content in `buffer`."""
        return content_decoder(request, self.limits.underscores)

    def watch(self) -> None:
        """Do nothing: no client waits for a copy."""

    def send_interim(self, request: Request, head: bytes) -> None:
        """Drop the head of a 1xx response."""

    def forwarded(self, host: bytes) -> bytes:
        """Return the X-Forwarded header lines."""
        return self._forwarded

    def detailed_trace(self) -> Trace | None:
        """Return None: the trace of the original request ends before its copies."""
        return None
