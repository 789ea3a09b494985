"""Sends a request's body that a middleware produces, while the exchange waits for the response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.background.cooperative_yield import CooperativeYield
from proxy.exchange.request_body import RequestBody
from proxy.net.deadlines import after
from proxy.upstream.request_framing import send_content
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.net.stream import Stream
    from proxy.per_request.extras import ProducedContent

_yield_to_requests = CooperativeYield(0.002)


class ProducedBody(RequestBody):
    """A body in chunks, whose pieces a middleware makes from the client's content, or without it."""

    __slots__ = ("_content",)

    def __init__(self, downstream: Downstream, content: ProducedContent) -> None:
        self._downstream = downstream
        self._content = content
        self._greenlet = self._kept = None
        self.done = self.response_begun = self.gone = False
        self.failure = 0
        self._read_timeout = 0.0
        self.reason = ""
        # The first piece may take long, and the server should get the head meanwhile.
        self.first = self.trailers = b""
        self.chunked = True

    @property
    def received(self) -> int:
        """The number of bytes received from the client."""
        return self._content.source.received

    def rewind(self) -> bool:
        """Return whether nothing was sent yet: pieces that were made are gone."""
        return self._greenlet is None

    def _run(self, stream: Stream, response_timeout: float) -> None:
        content = self._content
        content.source.forwarded = True
        try:
            for piece in content.pieces:
                if piece:
                    send_content(stream, piece, None, chunked=True)
                _yield_to_requests()
            send_content(stream, b"", b"", chunked=True)
            # Otherwise the rest of the client's content stands before its next request.
            self.done = content.source.finished
            if not self.response_begun:
                stream.deadline = min(stream.deadline, after(response_timeout))
        except BodyError as error:
            self._fail(stream, error.status, str(error))
        except OSError:
            # The server accepts no more bytes. The other greenlet reads its response, if there is one.
            return
        finally:
            content.close()
