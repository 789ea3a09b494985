"""A request's body on its way from client to server, while the answer is awaited.

What is at hand goes with the head; only for the rest is a second greenlet needed, since a server may
answer before it has read everything (RFC 9112 §9.3), or want to be told to continue first.
"""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING

import gevent

from proxy.http1.chunked import ChunkedDecoder, ChunkError, encode_chunk, last_chunk
from proxy.http1.errors import RequestError
from proxy.net.deadlines import NEVER, after
from proxy.net.splicing import WORTHWHILE, SinkError, can_splice, splice

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.net.stream import Stream


_LATE = "the request body did not arrive in time"
_TOO_LARGE = "the request body is too large"


class RequestBody:
    """The body of one request.

    `first` are the bytes to send along with the head, framed for the server; `done` tells that all
    has been taken from the client, `failure` the status to answer if that went wrong (0: it did not),
    and `gone` that the client has left; `answered` is set once the server's final answer has begun.
    Raises RequestError or ChunkError for a body that must not reach a server.
    """

    __slots__ = (
        "_decoder",
        "_downstream",
        "_greenlet",
        "_length",
        "_limit",
        "_remaining",
        "_spare",
        "answered",
        "done",
        "failure",
        "first",
        "gone",
        "reason",
    )

    def __init__(self, downstream: Downstream, request: Request) -> None:
        self._downstream = downstream
        self._greenlet: gevent.Greenlet[[Stream, float], None] | None = None
        self._decoder: ChunkedDecoder | None = None
        self._remaining = 0
        limit = downstream.limits.body_bytes
        if 0 < limit < request.content_length:
            raise RequestError(413, _TOO_LARGE)
        # What a chunked body may still bring.
        self._limit = self._spare = limit or maxsize
        self._length = max(0, request.content_length)
        self.done = False
        self.answered = False
        self.failure = 0
        self.reason = ""
        self.gone = False
        self.first = b""
        if request.chunked:
            self._decoder = ChunkedDecoder(underscores=downstream.limits.underscores)
        else:
            self._remaining = self._length
        data, downstream.buffer = downstream.buffer, b""
        if data:
            self.first = self._framed(data)

    def start(self, stream: Stream, response_timeout: float) -> None:
        """Send the rest to the server behind the caller's back; then its time to answer begins."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run, stream, response_timeout)

    @property
    def received(self) -> int:
        """Bytes of the body that have come from the client, without framing."""
        return self._length - self._remaining + self._limit - self._spare

    @property
    def started(self) -> bool:
        """Whether bytes were taken that could not be sent a second time."""
        return self._greenlet is not None

    def stop(self) -> None:
        """Give up what has not been sent; from here on, nobody but the caller reads from the client."""
        if self._greenlet is not None:
            self._greenlet.kill()

    def join(self) -> bool:
        """Wait until all has been sent; False when that failed."""
        if self._greenlet is not None:
            self._greenlet.join()
        return self.done

    def _framed(self, data: bytes) -> bytes:
        """Client bytes as the server gets them; what follows the body is given back. Raises as above."""
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
        framed = encode_chunk(piece)
        if decoder.finished:
            self.done = True
            self._downstream.buffer = decoder.rest
            framed += last_chunk(decoder.trailers)
        return framed

    def _run(self, stream: Stream, response_timeout: float) -> None:
        downstream = self._downstream
        client = downstream.stream
        read_timeout = downstream.timeouts.read
        try:
            while not self.done:
                if self._remaining >= WORTHWHILE and can_splice(client, stream):
                    self._splice(stream)
                    if self.gone or self.failure:
                        return
                    continue
                client.deadline = after(read_timeout)
                data = downstream.recv()
                # What follows may take a server its time, for which the client is not to blame.
                client.deadline = NEVER
                if not data:
                    self._fail(stream, 408 if client.expired else 0, _LATE)
                    return
                framed = self._framed(data)
                if framed:
                    stream.send(framed)
            if not self.answered:
                stream.deadline = after(response_timeout)
        except ChunkError as error:
            self._fail(stream, 400, str(error))
        except RequestError as error:
            self._fail(stream, error.status, error.reason)
        except OSError:
            # The server takes no more; its answer, if it gave one, is for the other greenlet to read.
            return
        finally:
            client.deadline = NEVER

    def _splice(self, stream: Stream) -> None:
        """Move the rest inside the kernel. Raises OSError when the server takes no more."""
        downstream = self._downstream
        client = downstream.stream
        moved = 0
        try:
            moved = splice(client, stream, self._remaining, downstream.timeouts.read)
        except SinkError:
            raise
        except OSError:
            # The client broke off; what it had sent no longer counts.
            client.deadline = NEVER
        self._remaining -= moved
        self.done = not self._remaining
        if not self.done:
            self._fail(stream, 408 if client.expired else 0, _LATE)

    def _fail(self, stream: Stream, status: int, reason: str) -> None:
        self.failure = status
        self.reason = reason
        self.gone = not status
        # Not a mere end: a response until close would pass for complete.
        stream.expire()
