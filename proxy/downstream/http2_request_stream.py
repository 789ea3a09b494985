"""A client's stream of HTTP/2 as the exchange sees it: content comes and goes without frames."""

from __future__ import annotations

import _socket
from errno import ECONNRESET, ETIMEDOUT
from time import monotonic
from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

from proxy.http2.content_pieces import ContentPieces
from proxy.http2.errors import CANCEL, INTERNAL_ERROR, NO_ERROR
from proxy.net.deadlines import NEVER, after

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.client_certificates.certificates import ClientCertificates
    from proxy.http1.response import Response
    from proxy.http2.stream import Stream as FramedStream
    from proxy.net.deadlines import Sweeper
    from proxy.net.stream import Stream


class RequestStream:
    """One stream after the other of a client's connection, over which their frames go.

    `framed` is the present stream. It has the interface of `proxy.net.stream.Stream`, as far as
    `proxy.net.client_stream.ClientStream` names it: after `deadline` the sweeper sets `expired`, and content
    is not waited for any more. `on_reset` is called when the stream ends early.
    `content_ended` means that the client has sent all; `trailers` are the lines after that.
    """

    __slots__ = (
        "_connection",
        "_hub",
        "_pieces",
        "_reading",
        "_received_at",
        "_stall",
        "_sweeper",
        "_taken",
        "_writing",
        "content_ended",
        "deadline",
        "expired",
        "framed",
        "on_reset",
        "shutdown_mode",
        "stall_limit",
        "trailers",
    )

    plain = False

    framed: FramedStream

    def __init__(self, connection: Stream, sweeper: Sweeper, stall_limit: float) -> None:
        self._connection = connection
        self._sweeper = sweeper
        self._hub: Any = get_hub()
        self._pieces = ContentPieces()
        # Content that the exchange has taken, and perhaps not passed on yet.
        self._taken = 0
        self._reading: Any = None
        self._writing: Any = None
        self._stall: _SendDeadline | None = None
        self.stall_limit = stall_limit
        self.on_reset: Callable[[], None] | None = None
        self._received_at = 0.0
        self.deadline = NEVER
        self.expired = self.content_ended = False
        self.shutdown_mode = _socket.SHUT_RD
        self.trailers = b""
        sweeper.streams.add(self)

    def begin(self, framed: FramedStream, *, ended: bool) -> None:
        """Take the next stream; `ended` means that it brings no content."""
        self.framed = framed
        framed.receiver = self
        self._pieces.clear()
        self._taken = 0
        self.deadline = NEVER
        self.expired = False
        self.content_ended = ended
        self.shutdown_mode = _socket.SHUT_RD
        self.trailers = b""

    @property
    def sock(self) -> _socket.socket:
        """The socket of the connection."""
        return self._connection.sock

    @property
    def tls_options(self) -> str:
        """The name of the TLS options of the connection; empty without TLS."""
        return self._connection.tls_options

    @property
    def client_certificates(self) -> ClientCertificates | None:
        """The certificates of a TLS client; None if it has sent none."""
        return self._connection.client_certificates

    # What the connection tells

    def head_received(self, response: Response, *, ended: bool) -> None:
        """Raise TypeError: clients send no responses."""
        raise TypeError(response)

    def content_received(self, data: bytes) -> None:
        self._pieces.add(data)
        self._received_at = monotonic()
        self._wake_reader()

    def ended(self, trailers: bytes) -> None:
        self.content_ended = True
        self.trailers = trailers
        self._wake_reader()

    def was_reset(self, code: int) -> None:
        if self.on_reset is not None:
            self.on_reset()
        self._wake_reader()
        self._wake_writer()

    def can_send(self) -> None:
        self._wake_writer()

    # What the exchange asks

    @property
    def finished(self) -> bool:
        """Whether all content has been taken, to the end."""
        return self.content_ended and not self._pieces

    def take_received(self) -> bytes:
        """Return the content that is here, without waiting; what was taken before has been passed on then."""
        if self._taken:
            self.release_taken()
        data = self._pieces.take()
        if data:
            self._taken = len(data)
            self.framed.give_back(self._taken)
        return data

    def release_taken(self) -> None:
        """Note that what was taken has left the memory."""
        self.framed.release(self._taken)
        self._taken = 0

    def recv(self) -> bytes:
        """Wait for content; return b"" at its end, or after the deadline. Raises OSError after a reset."""
        if self._taken:
            self.release_taken()
        while not self._pieces:
            if self.content_ended or self.expired:
                return b""
            if self.framed.closed:
                raise ConnectionResetError(ECONNRESET, "the client has reset the stream")
            self._reading = getcurrent()
            try:
                self._hub.switch()
            finally:
                self._reading = None
        return self.take_received()

    def send(self, data: bytes, *, ended: bool = False) -> None:
        """Send all bytes; `ended` means that nothing follows. Raises OSError after a reset."""
        framed = self.framed
        if framed.closed:
            raise ConnectionResetError(ECONNRESET, "the client has reset the stream")
        taken = framed.send(data, ended=ended)
        if taken < len(data):
            self._send_rest(memoryview(data)[taken:], ended=ended)

    def _send_rest(self, rest: memoryview, *, ended: bool) -> None:
        framed, limit = self.framed, self.stall_limit
        stall = self._stall
        if stall is None:
            stall = self._stall = _SendDeadline(self)
            self._sweeper.streams.add(stall)
        self._writing = getcurrent()
        try:
            stall.deadline = after(limit)
            while rest:
                self._hub.switch()
                if framed.closed:
                    raise ConnectionResetError(ECONNRESET, "the client has reset the stream")
                if stall.passed:
                    raise TimeoutError(ETIMEDOUT, "the client accepts no data")
                taken = framed.send(rest, ended=ended)
                if taken:
                    rest = rest[taken:]
                    stall.deadline = after(limit)
        finally:
            self._writing = None
            stall.deadline = NEVER
            stall.passed = False

    def watch(self) -> None:
        """Notice if the client has left before; from now on, `on_reset` tells it."""
        if self.framed.closed and self.on_reset is not None:
            self.on_reset()

    def quiet_seconds(self) -> float:
        """Return the seconds since content arrived; 0 while there is some that nobody has taken."""
        return 0.0 if self._pieces else monotonic() - self._received_at

    def expire(self) -> None:
        """End waiting for content, and with `shutdown_mode` for both directions, the stream."""
        self.deadline = NEVER
        self.expired = True
        if self.shutdown_mode == _socket.SHUT_RDWR:
            self.framed.reset(CANCEL)
            self._wake_writer()
        self._wake_reader()

    def stalled(self) -> None:
        """End a stream whose client accepts no data."""
        self.framed.reset(CANCEL)
        self._wake_writer()

    def shutdown(self, how: int) -> None:
        """End the content for the client, or the whole stream unless it has ended."""
        if how == _socket.SHUT_WR:
            self.framed.send(b"", ended=True)
            return
        self.framed.reset(CANCEL)
        self._wake_reader()
        self._wake_writer()

    def close(self) -> None:
        """End the exchange on the present stream: what the client still sends is not wanted.

        Without a whole response, the client gets an error.
        """
        framed = self.framed
        # After a whole response, NO_ERROR says just that (RFC 9113 §8.1).
        framed.reset(NO_ERROR if framed.local_ended else INTERNAL_ERROR)
        self._pieces.clear()
        self.deadline = NEVER

    def retire(self) -> None:
        """Take no further streams."""
        self._sweeper.streams.discard(self)
        if self._stall is not None:
            self._sweeper.streams.discard(self._stall)

    def _wake_reader(self) -> None:
        if self._reading is not None:
            self._hub.loop.run_callback(self._switch_to_reader, self._reading)

    def _wake_writer(self) -> None:
        if self._writing is not None:
            self._hub.loop.run_callback(self._switch_to_writer, self._writing)

    # The greenlet may have ended its wait in the meantime.

    def _switch_to_reader(self, greenlet: Any) -> None:
        if self._reading is greenlet:
            greenlet.switch()

    def _switch_to_writer(self, greenlet: Any) -> None:
        if self._writing is greenlet:
            greenlet.switch()


class _SendDeadline:
    """The deadline for a client that accepts no data; `passed` says that it was too late."""

    __slots__ = ("_stream", "deadline", "passed")

    def __init__(self, stream: RequestStream) -> None:
        self._stream = stream
        self.deadline = NEVER
        self.passed = False

    def expire(self) -> None:
        stream = self._stream
        framed = stream.framed
        if min(framed.send_window, framed.connection.output.window) > 0:
            # It waits for its turn. Whether the client takes anything, the connection knows.
            self.deadline = after(stream.stall_limit)
            return
        self.deadline = NEVER
        self.passed = True
        stream.stalled()
