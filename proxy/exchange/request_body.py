"""Forwards a request's body from client to server while the exchange waits for the response.

Bytes that have already arrived go out with the head. Only the rest needs a second greenlet, because a server
may respond before it has read everything (RFC 9112 §9.3), or may first send 100 Continue.
"""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING

import gevent

from proxy.http1.chunked import ChunkedDecoder, ChunkError
from proxy.http1.errors import RequestError
from proxy.net.deadlines import NEVER, after
from proxy.net.splicing import MIN_SPLICE_BYTES, SinkError, can_splice, splice
from proxy.upstream.request_framing import send_content

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.net.stream import Stream


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
        "_length",
        "_limit",
        "_remaining",
        "_spare",
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
        self._decoder: ChunkedDecoder | None = None
        self._remaining = 0
        limit = downstream.limits.body_bytes
        if 0 < limit < request.content_length:
            raise RequestError(413, _TOO_LARGE)
        # The number of bytes that a chunked body may still have.
        self._limit = self._spare = limit or maxsize
        self._length = max(0, request.content_length)
        self.done = False
        self.response_begun = False
        self.failure = 0
        self.reason = ""
        self.gone = False
        self.first = self.trailers = b""
        self.chunked = request.chunked
        if request.chunked:
            self._decoder = ChunkedDecoder(underscores=downstream.limits.underscores)
        else:
            self._remaining = self._length
        self._take_first(downstream)

    def _take_first(self, downstream: Downstream) -> None:
        """Set `first` to what has already arrived."""
        data, downstream.buffer = downstream.buffer, b""
        if data:
            self.first = self._decode(data)

    def start(self, stream: Stream, response_timeout: float) -> None:
        """Send the rest to the server in a second greenlet, and then start the response timeout."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run, stream, response_timeout)

    @property
    def received(self) -> int:
        """The number of body bytes received from the client, without framing."""
        return self._length - self._remaining + self._limit - self._spare

    @property
    def started(self) -> bool:
        """Whether more than `first` has gone to the server."""
        return self._greenlet is not None

    @property
    def repeatable(self) -> bool:
        """Whether the body can be sent a second time."""
        return self._greenlet is None

    def stop(self) -> None:
        """Discard the unsent rest; from now on, only the caller reads from the client."""
        if self._greenlet is not None:
            self._greenlet.kill()

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
        if decoder is None:
            taken = data[: self._remaining]
            self._remaining -= len(taken)
            if not self._remaining:
                self.done = True
                self._downstream.buffer = data[len(taken) :]
            return taken
        piece = decoder.feed(data)
        self._spare -= len(piece)
        if self._spare < 0:
            raise RequestError(413, _TOO_LARGE)
        if decoder.finished:
            self.done = True
            self._downstream.buffer = decoder.rest
            self.trailers = decoder.trailers
        return piece

    def _run(self, stream: Stream, response_timeout: float) -> None:
        downstream = self._downstream
        client = downstream.stream
        read_timeout = downstream.timeouts.read
        try:
            while not self.done:
                if self._remaining >= MIN_SPLICE_BYTES and can_splice(client, stream):
                    self._splice(stream)
                    if self.gone or self.failure:
                        return
                    continue
                client.deadline = after(read_timeout)
                data = downstream.recv()
                # The send below may take long because of the server, which is not the client's fault.
                client.deadline = NEVER
                if not data:
                    self._fail(stream, 408 if client.expired else 0, _TOO_LATE)
                    return
                content = self._decode(data)
                send_content(stream, content, self.trailers if self.done else None, self.chunked)
            if not self.response_begun:
                stream.deadline = after(response_timeout)
        except ChunkError as error:
            self._fail(stream, 400, str(error))
        except RequestError as error:
            self._fail(stream, error.status, error.reason)
        except OSError:
            # The server accepts no more bytes. The other greenlet reads its response, if there is one.
            return
        finally:
            client.deadline = NEVER

    def _splice(self, stream: Stream) -> None:
        """Move the rest inside the kernel. Raises OSError if the server accepts no more."""
        downstream = self._downstream
        client = downstream.stream
        moved = 0
        try:
            moved = splice(client, stream, self._remaining, downstream.timeouts.read)
        except SinkError:
            raise
        except OSError:
            # The client's connection broke; the bytes moved before do not matter any more.
            client.deadline = NEVER
        self._remaining -= moved
        self.done = not self._remaining
        if not self.done:
            self._fail(stream, 408 if client.expired else 0, _TOO_LATE)

    def _fail(self, stream: Stream, status: int, reason: str) -> None:
        self.failure = status
        self.reason = reason
        self.gone = not status
        # Sets `expired`: otherwise a response that ends with the connection would pass for complete.
        stream.expire()
