"""One request on a connection of HTTP/2 to a server; to the exchange it is a connection of its own.

The connection's reading greenlet leaves here what has come. The request's greenlet takes it, and gives the
server window only then: a slow client holds up its own stream and no other.
"""

from __future__ import annotations

import _socket
from errno import ECONNABORTED
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from gevent import get_hub, getcurrent

from proxy.http2.content_pieces import ContentPieces
from proxy.http2.errors import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    HTTP_1_1_REQUIRED,
    REFUSED_STREAM,
    StreamFault,
    error_name,
)
from proxy.net.deadlines import NEVER, after
from proxy.net.stream import Stream

if TYPE_CHECKING:
    from proxy.http1.response import Response
    from proxy.http2.stream import Stream as CoreStream
    from proxy.net.deadlines import Sweeper

END_SECONDS = 10.0
"""Seconds that a server has to end a stream after all of the response's content has come."""

_MAX_HEADS = 100
"""Interim responses that may wait for a client who takes them slowly: no window bounds heads."""


class Carrier(Protocol):
    """The connection of a stream; `has_served` is set after the first whole response."""

    has_served: bool

    def begin(self, stream: Http2Stream, head: bytes, *, ended: bool, is_head: bool) -> CoreStream | None:
        """Begin a reserved stream with a request; return None if the connection takes none any more."""

    def release(self, *, begun: bool) -> None:
        """Note that a reserved stream is closed, after it has begun or before."""

    def stream_refused(self) -> None:
        """Note that the server has refused a stream."""

    def http1_required(self) -> bool:
        """Note that the server wants HTTP/1.1; return whether it may get it."""

    def failure(self) -> OSError | None:
        """Return the error for streams that the end of the connection has ended; None before."""


class Http2Stream(Stream):
    """A stream of HTTP/2 to a server, with the interface of a connection; it has no socket of its own.

    `recv` returns content. Before a response was taken with `take_response`, it returns the response's head.
    `unprocessed` is set if the server has refused the stream, or ended the connection before it. `reused`
    means that the connection had served other requests before.
    """

    __slots__ = (
        "_arrived",
        "_closed",
        "_connection",
        "_core",
        "_ended",
        "_ends_with",
        "_leaving",
        "_lost",
        "_pending",
        "_pieces",
        "_receiver",
        "_responses",
        "_sender",
        "_stall_timer",
        "reused",
        "trailers",
        "unprocessed",
    )

    plain = False
    multiplexed = True

    def __init__(self, connection: Carrier, sweeper: Sweeper, stall_limit: float) -> None:
        # Not the constructor of `Stream`: that one takes a socket and watches it.
        self.deadline = NEVER
        self.expired = False
        self.shutdown_mode = _socket.SHUT_RDWR
        self.stall_limit = stall_limit
        self.trailers = b""
        self.unprocessed = False
        self.reused = connection.has_served
        self._sweeper = sweeper
        self._connection = connection
        self._core: CoreStream | None = None
        self._responses: list[Response] = []
        self._pieces = ContentPieces()
        self._ended = False
        self._leaving = self._closed = False
        self._lost: OSError | None = None
        self._arrived = 0.0
        # Content that waits for window, and the trailers that end it; None if more content follows.
        self._pending: bytes | memoryview = b""
        self._ends_with: bytes | None = None
        self._receiver = _Waiting()
        # Most requests never wait for window.
        self._sender: _Waiting | None = None
        self._stall_timer: _StallTimer | None = None
        sweeper.streams.add(self)

    # What the exchange calls

    def begin(self, head: bytes, content: bytes, trailers: bytes | None) -> None:
        """Send the head of an HTTP/1.1 request with the first bytes of content, as in `request_framing`.

        Content for which there is no window yet leaves later, since a response may come before. Raises
        OSError if the connection has ended.
        """
        ended = trailers is not None and not (content or trailers)
        core = self._connection.begin(self, head[:-4], ended=ended, is_head=head.startswith(b"HEAD "))
        if core is None:
            self.unprocessed = True
            raise OSError(ECONNABORTED, "the connection takes no more requests")
        self._core = core
        self._arrived = monotonic()
        if not ended:
            self._pending, self._ends_with = content, trailers
            self._push()

    def send_content(self, content: bytes, trailers: bytes | None) -> None:
        """Send more content, and the end with `trailers`. Raises OSError if the stream has ended."""
        self._wait_until_sent()
        self._pending, self._ends_with = content, trailers
        if not self._push():
            self._wait_until_sent()

    def take_response(self) -> Response | None:
        """Wait for the next head, interim or final; return None after the deadline. Raises OSError."""
        while not self._responses:
            if self._lost is not None:
                raise self._lost
            if self.expired:
                return None
            self._receiver.wait()
        return self._responses.pop(0)

    def take_content(self) -> bytes:
        """Return the content that has come, possibly none."""
        data = self._pieces.take()
        if data and self._core is not None:
            self._core.consume(len(data))
        return data

    def recv(self, size: int = 0) -> bytes:
        """Wait for content and return all of it; b"" at its end, or after the deadline. Raises OSError."""
        while True:
            if self._responses:
                return self._responses[0].head
            if self._pieces:
                return self.take_content()
            if self._lost is not None:
                raise self._lost
            if self._ended or self.expired:
                return b""
            self._receiver.wait()

    def recv_eagerly(self) -> bytes:
        return self.recv()

    @property
    def at_end(self) -> bool:  # type: ignore[override]
        return self._ended and not self._pieces

    def has_bytes(self) -> bool:
        return bool(self._responses or self._pieces or self._ended)

    def quiet_seconds(self) -> float:
        return 0.0 if self._pieces else monotonic() - self._arrived

    def finish(self) -> None:
        """Let the stream end by itself, after all of the content has come."""
        self._connection.has_served = True
        if self._ended:
            self.close()
        else:
            self._leaving = True
            self.deadline = after(END_SECONDS)

    def expire(self) -> None:
        """End the stream, which wakes the waiting greenlets."""
        self.deadline = NEVER
        if self._leaving:
            self.close()
        elif not self._ended:
            self.expired = True
            self._cancel()

    def shutdown(self, how: int) -> None:
        """End the stream: none of its directions can end alone in this way."""
        self._cancel()

    def reset(self) -> None:
        self.expire()

    def cut(self) -> None:
        self.expire()

    def close(self) -> None:
        """Cancel the stream unless it has ended, and make room for another one."""
        if self._closed:
            return
        self._closed = True
        self._sweeper.streams.discard(self)
        self._stop_stall_timer()
        self._cancel()
        self._connection.release(begun=self._core is not None)

    def _cancel(self) -> None:
        if self._core is not None:
            self._core.reset(CANCEL)
        self._wake()

    def _wait_until_sent(self) -> None:
        """Wait until windows have let everything pass. Raises OSError if the stream has ended."""
        while True:
            core = self._core
            if core is None or core.closed or self.expired:
                raise OSError(ECONNABORTED, "the server takes no more of the request")
            if not self._pending:
                return
            if self._sender is None:
                self._sender = _Waiting()
            self._sender.wait()

    def _push(self) -> bool:
        """Send as much as windows allow; return whether that was everything."""
        core, pending, trailers = self._core, self._pending, self._ends_with
        assert core is not None  # noqa: S101 (the request has begun)
        ended = trailers == b""
        if pending:
            taken = core.send(pending, ended=ended)
            if taken < len(pending):
                self._pending = memoryview(pending)[taken:]
                if self.stall_limit and (taken or self._stall_timer is None):
                    self._start_stall_timer()
                return False
            self._pending = b""
            self._stop_stall_timer()
        elif ended:
            core.send(b"", ended=True)
        if trailers:
            core.send_trailers(trailers)
        return True

    def _start_stall_timer(self) -> None:
        """End the stream unless the server makes progress within the stall limit."""
        self._stop_stall_timer()
        self._stall_timer = timer = _StallTimer(self, after(self.stall_limit))
        self._sweeper.streams.add(timer)

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._sweeper.streams.discard(self._stall_timer)
            self._stall_timer = None

    # What the connection calls, from its reading greenlet

    def head_received(self, response: Response, *, ended: bool) -> None:
        if len(self._responses) >= _MAX_HEADS:
            raise StreamFault(ENHANCE_YOUR_CALM, "too many interim responses at once")
        self._arrived = monotonic()
        self._responses.append(response)
        if ended:
            self._ended = True
        self._receiver.wake()

    def content_received(self, data: bytes) -> None:
        self._arrived = monotonic()
        self._pieces.add(data)
        self._receiver.wake()

    def ended(self, trailers: bytes) -> None:
        self.trailers = trailers
        self._ended = True
        if self._leaving:
            self.close()
        self._receiver.wake()

    def was_reset(self, code: int) -> None:
        """Note the end of the stream; after the whole response it only ends the request (RFC 9113 §8.1)."""
        if not self._ended:
            if code == REFUSED_STREAM:
                self.unprocessed = True
                self._connection.stream_refused()
            elif code == HTTP_1_1_REQUIRED:
                self.unprocessed = self._connection.http1_required()
            self._lost = self._connection.failure() or OSError(
                ECONNABORTED, f"the server has ended the stream: {error_name(code)}"
            )
        if self._leaving:
            self.close()
        self._wake()

    def can_send(self) -> None:
        if self._pending and self._push() and self._sender is not None:
            self._sender.wake()

    def _wake(self) -> None:
        """Wake the greenlets of the request, which then find out what has happened."""
        self._receiver.wake()
        if self._sender is not None:
            self._sender.wake()


class _StallTimer:
    """Ends a stream whose server has taken nothing of the request until `deadline`."""

    __slots__ = ("_stream", "deadline")

    def __init__(self, stream: Http2Stream, deadline: float) -> None:
        self._stream = stream
        self.deadline = deadline

    def expire(self) -> None:
        self.deadline = NEVER
        self._stream.expire()


class _Waiting:
    """A place where one greenlet waits until another one wakes it."""

    __slots__ = ("_greenlet", "_hub", "_woken")

    def __init__(self) -> None:
        self._hub = get_hub()
        self._greenlet: Any = None
        self._woken = False

    def wait(self) -> None:
        self._greenlet = getcurrent()
        try:
            self._hub.switch()
        finally:
            self._greenlet = None

    def wake(self) -> None:
        if self._greenlet is not None and not self._woken:
            self._woken = True
            self._hub.loop.run_callback(self._switch)

    def _switch(self) -> None:
        self._woken = False
        # The greenlet may have been thrown out of its wait in the meantime.
        if self._greenlet is not None:
            self._greenlet.switch()
