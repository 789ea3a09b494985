"""Sends a request's body that a middleware has buffered; it can be sent any number of times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.buffers.disk_file import DiskError
from proxy.exchange.produced_body import ProducedBody
from proxy.exchange.request_body import RequestBody
from proxy.http1.errors import RequestError
from proxy.net.deadlines import after
from proxy.upstream.request_framing import send_content

if TYPE_CHECKING:
    from proxy.buffers.content_buffer import ContentBuffer
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.net.stream import Stream

PORTION = 65536
"""Bytes that are sent at once."""


_UNREADABLE = "the buffered request body cannot be read: {}"


def begin_body(downstream: Downstream, request: Request) -> RequestBody:
    """Return the body of a request that has one. Raises RequestError or ChunkError."""
    extras = downstream.extras
    if extras is None:
        return RequestBody(downstream, request)
    if extras.produced_content is not None:
        return ProducedBody(downstream, extras.produced_content)
    if extras.request_content is None:
        return RequestBody(downstream, request)
    return BufferedRequestBody(downstream, request, extras.request_content)


class BufferedRequestBody(RequestBody):
    """A body that has come from the client completely; `done` means that the server has got all of it."""

    __slots__ = ("_content",)

    def __init__(self, downstream: Downstream, request: Request, content: ContentBuffer) -> None:
        self._content = content
        super().__init__(downstream, request)

    def _take_first(self, downstream: Downstream) -> None:
        try:
            self.first = self._content.read(0, PORTION)
        except DiskError as error:
            raise RequestError(500, _UNREADABLE.format(error)) from error
        self.done = len(self.first) == self._content.size

    @property
    def received(self) -> int:
        return self._content.size

    @property
    def repeatable(self) -> bool:
        return True

    def stop(self) -> None:
        """Discard the unsent rest; the next attempt begins anew."""
        super().stop()
        self._greenlet = None
        self.done = len(self.first) == self._content.size

    def _run(self, stream: Stream, response_timeout: float) -> None:
        try:
            for piece in self._content.pieces(len(self.first), PORTION):
                send_content(stream, piece, None, self.chunked)
            send_content(stream, b"", b"", self.chunked)
        except DiskError as error:
            self._fail(stream, 500, _UNREADABLE.format(error))
            return
        except OSError:
            # The server accepts no more bytes. The other greenlet reads its response, if there is one.
            return
        self.done = True
        if not self.response_begun:
            stream.deadline = min(stream.deadline, after(response_timeout))
