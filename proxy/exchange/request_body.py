"""Forwards a request's body from client to server while the exchange waits for the response.

Bytes that have already arrived go out with the head. Only the rest needs a second greenlet, because a server
may respond before it has read everything (RFC 9112 §9.3), or may first send 100 Continue.
"""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING

import gevent

from proxy.http1.chunked import ChunkError
from proxy.http1.content_decoder import LengthDecoder
from proxy.http1.errors import RequestError
from proxy.net.deadlines import NEVER, after
from proxy.net.splicing import MIN_SPLICE_BYTES, SinkError, can_splice, splice
from proxy.upstream.http2_stream import Http2Stream
from proxy.upstream.request_framing import send_content

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.request import Request
    from proxy.net.stream import Stream


KEPT_BYTES = 1 << 17
"""Bytes of content that are kept in case a server of HTTP/2 refuses the request after it has got a part.

Most servers give window for 64 KiB before they have seen the request; as much may wait here to be sent.
"""

_TOO_LATE = "the request body did not arrive in time"
_TOO_LARGE = "the request body is too large"


class RequestBody:
    """The body of one request.

    `first` is the content to send with the head. `done` means that the whole body has been read from the
    client; `trailers` are then the lines to send after it. `chunked` means that the request has no
    Content-Length. `failure` is the status to respond after an error, 0 without one, and `gone`
    means that the client has left. `response_begun` is set once the server's final response has begun. Raises
    RequestError or ChunkError for a body that must not reach a server.
    """

    __slots__ = (
        "_decoder",
        "_downstream",
        "_greenlet",
        "_kept",
        "_limit",
        "_read_timeout",
        "_received",
        "chunked",
        "done",
        "failure",
        "first",
        "gone",
        "reason",
        "response_begun",
        "trailers",
    )

    def __init__(self, downstream: Downstream, request: Request) -> None:
        self._downstream = downstream
        self._greenlet: gevent.Greenlet[[Stream, float], None] | None = None
        self._limit = limit = downstream.limits.body_bytes or maxsize
        if request.content_length > limit:
            raise RequestError(413, _TOO_LARGE)
        # The content sent after `first`, as long as that may be sent again.
        self._kept: list[bytes] | None = None
        self._decoder: ContentDecoder = downstream.content_decoder(request)
        self.chunked = request.chunked
        self._received = 0
        self._read_timeout = downstream.timeouts.read
        self.done = False
        self.response_begun = False
        self.failure = 0
        self.reason = ""
        self.gone = False
        self.first = self.trailers = b""
        self._take_first(downstream)

    def _take_first(self, downstream: Downstream) -> None:
        """Set `first` to what has already arrived."""
        data, downstream.buffer = downstream.buffer, b""
        if data or self._decoder.finished:
            self.first = self._decode(data)

    def start(self, stream: Stream, response_timeout: float) -> None:
        """Send the rest to the server in a second greenlet, and then start the response timeout."""
        if self._greenlet is None:
            self._kept = [] if stream.multiplexed else None
            self._greenlet = gevent.spawn(self._run, stream, response_timeout)

    @property
    def received(self) -> int:
        """The number of body bytes received from the client, without framing."""
        return self._received

    @property
    def started(self) -> bool:
        """Whether more than `first` has gone to the server."""
        return self._greenlet is not None

    @property
    def repeatable(self) -> bool:
        """Whether the body can be sent a second time."""
        return self._greenlet is None

    def begin_response(self, stream: Stream) -> None:
        """Note that the server's final response has begun.

        Over HTTP/2, both directions then go on for as long as both sides like, as in streaming calls of gRPC.
        """
        self.response_begun = True
        if isinstance(stream, Http2Stream) and not self.done:
            self._read_timeout = 0.0
            self._downstream.stream.deadline = NEVER

    def stop(self) -> None:
        """Discard the unsent rest; from now on, only the caller reads from the client."""
        if self._greenlet is not None:
            self._greenlet.kill()

    def rewind(self) -> bool:
        """Prepare, after `stop`, to send everything again; return False if too much of it has gone."""
        if self._greenlet is None:
            return True
        if self._kept is None:
            return False
        self.first = b"".join((self.first, *self._kept))
        self._greenlet = self._kept = None
        return True

    def join(self) -> bool:
        """Wait until the body has been sent; return False if that failed."""
        if self._greenlet is not None:
            self._greenlet.join()
        return self.done

    @property
    def is_sent(self) -> bool:
        """Whether the server has got the whole body."""
        return self.done and (self._greenlet is None or self._greenlet.dead)

    def _decode(self, data: bytes) -> bytes:
        """Return the content in the client's bytes; return bytes after the body to the client's buffer.

        Raises RequestError or ChunkError.
        """
        decoder = self._decoder
        piece = decoder.feed(data)
        self._received += len(piece)
        if self._received > self._limit:
            raise RequestError(413, _TOO_LARGE)
        if decoder.finished:
            self.done = True
            self._downstream.buffer = decoder.rest
            self.trailers = decoder.trailers
        return piece

    def _run(self, stream: Stream, response_timeout: float) -> None:
        downstream = self._downstream
        client = downstream.stream
        decoder = self._decoder
        try:
            while not self.done:
                if (
                    isinstance(decoder, LengthDecoder)
                    and decoder.remaining >= MIN_SPLICE_BYTES
                    and can_splice(client, stream)
                ):
                    self._splice(stream, decoder)
                    if self.gone or self.failure:
                        return
                    continue
                client.deadline = after(self._read_timeout)
                data = downstream.recv()
                # The send below may take long because of the server, which is not the client's fault.
                client.deadline = NEVER
                if not data and not decoder.finished:
                    self._fail(stream, 408 if client.expired else 0, _TOO_LATE)
                    return
                content = self._decode(data)
                if self._kept is not None:
                    self._keep(content)
                send_content(stream, content, self.trailers if self.done else None, self.chunked)
            downstream.content_sent()
            if not self.response_begun:
                stream.deadline = min(stream.deadline, after(response_timeout))
        except ChunkError as error:
            self._fail(stream, 400, str(error))
        except RequestError as request_error:
            self._fail(stream, request_error.status, request_error.reason)
        except OSError:
            # The server accepts no more bytes. The other greenlet reads its response, if there is one.
            return
        finally:
            client.deadline = NEVER

    def _keep(self, content: bytes) -> None:
        kept = self._kept
        assert kept is not None  # noqa: S101
        kept.append(content)
        if len(self.first) + sum(map(len, kept)) > KEPT_BYTES:
            self._kept = None

    def _splice(self, stream: Stream, decoder: LengthDecoder) -> None:
        """Move the rest inside the kernel. Raises OSError if the server accepts no more."""
        downstream = self._downstream
        client = downstream.stream
        moved = 0
        try:
            moved = splice(client, stream, decoder.remaining, downstream.timeouts.read)
        except SinkError:
            raise
        except OSError:
            # The client's connection broke; the bytes moved before do not matter any more.
            client.deadline = NEVER
        decoder.skip(moved)
        self._received += moved
        self.done = decoder.finished
        if not self.done:
            self._fail(stream, 408 if client.expired else 0, _TOO_LATE)

    def _fail(self, stream: Stream, status: int, reason: str) -> None:
        self.failure = status
        self.reason = reason
        self.gone = not status
        # Sets `expired`: otherwise a response that ends with the connection would pass for complete.
        stream.expire()
