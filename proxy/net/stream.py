"""TCP streams to clients and servers: non-blocking sockets that wait on the worker's event loop.

Requests and responses alternate, so a `recv` without a wait would nearly always fail: reading waits first,
writing tries first. The watchers live as long as the stream.
"""

from __future__ import annotations

import _socket
import contextlib
from errno import ETIMEDOUT
from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

from proxy.net.deadlines import NEVER
from proxy.net.stall_detection import StallDetector, quiet_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.client_certificates.certificates import ClientCertificates
    from proxy.net.deadlines import Sweeper

READ, WRITE = 1, 2
READ_SIZE = 65536

_NOTHING = memoryview(b"")
# struct linger: on, zero seconds
_RESET = b"\1\0\0\0\0\0\0\0"


class Stream:
    """A plain TCP stream over a connected socket, which it owns; one greenlet at a time may read.

    After `deadline` (monotonic seconds) the sweeper sets `expired` and shuts down the directions in
    `shutdown_mode`. `expired` is also set before a reset. `stall_limit` is how long the peer may accept no
    data of a send, in seconds, 0 for no limit. `on_unread` is called when bytes or an end arrive while no
    greenlet reads.
    """

    __slots__ = (
        "_armed",
        "_hub",
        "_reader",
        "_reading",
        "_stall",
        "_sweeper",
        "_unsent",
        "_writer",
        "_writing",
        "deadline",
        "expired",
        "on_unread",
        "shutdown_mode",
        "sock",
        "stall_limit",
    )

    plain = True
    """Whether the socket carries the bytes unchanged."""

    client_certificates: ClientCertificates | None = None
    """The certificates of a TLS client; None if it has sent none."""

    tls_options = ""
    """The name of the TLS options with which the connection was made; empty without TLS."""

    multiplexed = False
    """Whether it is a stream of HTTP/2, one of many on a connection."""

    at_end = False
    """Whether all content is received. Only a stream of HTTP/2 knows it; others must be read to their end."""

    trailers = b""
    """The trailer lines after content that ended with the stream; only HTTP/2 has any there."""

    unprocessed = False
    reused = False
    """Whether the server has certainly not run the request (RFC 9113 §8.7); only HTTP/2 tells."""

    def __init__(self, sock: _socket.socket, sweeper: Sweeper) -> None:
        self.sock = sock
        self.deadline = NEVER
        self.expired = False
        self.shutdown_mode = _socket.SHUT_RDWR
        self.on_unread: Callable[[Stream], None] | None = None
        self._hub = hub = get_hub()
        self._reading: Any = None
        self._armed = False
        self._reader = hub.loop.io(sock.fileno(), READ)
        self._writer: Any = None
        self._writing: Any = None
        self._stall: StallDetector | None = None
        self._unsent = _NOTHING
        self.stall_limit = 0.0
        self._sweeper = sweeper
        sweeper.streams.add(self)

    def recv(self, size: int = READ_SIZE) -> bytes:
        """Wait for bytes; return b"" at the end of the stream. Raises OSError if the connection breaks."""
        while True:
            self.wait_readable()
            try:
                return self.sock.recv(size)
            except BlockingIOError:
                continue

    def recv_eagerly(self) -> bytes:
        """Receive like `recv`, and at once if bytes are here, without a turn of the event loop."""
        try:
            return self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return self.recv()

    def wait_readable(self) -> None:
        """Wait until bytes, or an end, arrive."""
        # The watcher stays armed between waits, because stopping it each time would cost a system call.
        if not self._armed:
            self.watch()
        self._reading = getcurrent()
        try:
            self._hub.switch()
        finally:
            self._reading = None

    def watch(self) -> None:
        """Watch for bytes also while no greenlet reads."""
        if not self._armed:
            self._armed = True
            self._reader.start(self._readable)

    def notify(self, on_readable: Callable[[], None]) -> None:
        """Have the event loop call `on_readable` as long as bytes, or an end, are unread, until `mute`.

        No greenlet may read meanwhile.
        """
        self._armed = True
        self._reader.start(on_readable)

    def mute(self) -> None:
        """Notice no bytes and no end for now."""
        if self._armed:
            self._armed = False
            self._reader.stop()

    def _readable(self) -> None:
        reading = self._reading
        if reading is not None:
            reading.switch()
            return
        # Otherwise the event loop would report unread bytes again and again.
        self._reader.stop()
        self._armed = False
        if self.on_unread is not None:
            self.on_unread(self)

    def has_bytes(self) -> bool:
        """Return whether the socket holds received bytes; an end alone does not count."""
        try:
            return bool(self.sock.recv(1, _socket.MSG_PEEK))
        except OSError:
            return False

    def quiet_seconds(self) -> float:
        """Return the seconds since bytes arrived; 0 while this worker leaves bytes unread."""
        return quiet_seconds(self.sock)

    @property
    def unread(self) -> bool:
        """Whether received bytes are unread, so that closing the stream would reset the connection."""
        # While the watcher is armed, nothing has arrived. A stream that is cut is reset on purpose.
        return not (self._armed or self.expired) and self.has_bytes()

    def send(self, data: bytes) -> None:
        """Send all bytes. Raises OSError if the connection breaks."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:])

    def try_send(self, data: bytes) -> bool:
        """Send bytes without waiting; return whether the socket took all. Raises OSError.

        If it did not, the stream keeps the rest, and `finish_send` is due before any further call.
        """
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            return True
        self._unsent = memoryview(data)[sent:]
        return False

    def finish_send(self) -> None:
        """Send what `try_send` has left. Raises OSError."""
        rest, self._unsent = self._unsent, _NOTHING
        self._send_rest(rest)

    def send_last(self, data: bytes) -> None:
        """Send the last bytes, like `send`. `close` or `shutdown` must follow at once.

        Until then the kernel holds them back, so that they and the end leave in one segment.
        """
        try:
            sent = self.sock.send(data, _socket.MSG_MORE)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:])

    def _send_rest(self, rest: memoryview) -> None:
        self.wait_writable()
        while True:
            with contextlib.suppress(BlockingIOError):
                rest = rest[self.sock.send(rest) :]
            if not rest:
                return
            self.wait_writable()

    def wait_writable(self) -> None:
        """Wait until the socket accepts bytes. Raises OSError if the peer accepts none for `stall_limit`."""
        if self._writer is None:
            self._writer = self._hub.loop.io(self.sock.fileno(), WRITE)
        if not self.stall_limit:
            self._hub.wait(self._writer)
            return
        stall = self._stall
        if stall is None:
            stall = self._stall = StallDetector(self)
            self._sweeper.streams.add(stall)
        stall.begin()
        self._writing = getcurrent()
        try:
            self._hub.wait(self._writer)
        finally:
            self._writing = None
            stall.pause()

    def expire(self) -> None:
        """Shut the stream down, which wakes the waiting greenlet."""
        self.deadline = NEVER
        self.expired = True
        self.shutdown(self.shutdown_mode)

    def shutdown(self, how: int) -> None:
        """Shut down one or both directions; a connection that has already ended is no error."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(how)

    def end_sending(self) -> None:
        """Tell the peer that no more bytes come; it may still send. Raises OSError."""
        self.shutdown(_socket.SHUT_WR)

    def reset(self) -> None:
        """Let `close` reset the connection and discard unsent bytes."""
        self.expired = True
        with contextlib.suppress(OSError):
            self.sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _RESET)

    def cut(self) -> None:
        """End the stream so that the peer cannot take the bytes sent so far for a complete message.

        The sending greenlet gets OSError and must close the stream, which resets the connection. A shutdown
        for sending would instead end it in order for a peer that accepts the queued bytes just then.
        """
        self.reset()
        self.shutdown(_socket.SHUT_RD)
        if self._writing is not None:
            self._hub.loop.run_callback(self._interrupt_sender, self._writing)

    def _interrupt_sender(self, writing: Any) -> None:
        # The send may have ended in the meantime.
        if self._writing is writing:
            writing.throw(TimeoutError(ETIMEDOUT, "the peer accepts no data"))

    def take_over(self, other: Stream) -> None:
        """Own the connection and the watchers of another stream, which nobody may use any more.

        Watchers of its own would cost system calls.
        """
        self.sock, self._hub = other.sock, other._hub
        self._reader, self._writer = other._reader, other._writer
        if other._armed:
            self._reader.stop()
        self._armed = False
        self._reading = self._writing = self._stall = self.on_unread = None
        self._unsent = _NOTHING
        self.expired, self.shutdown_mode, self.stall_limit = False, _socket.SHUT_RDWR, 0.0
        self._sweeper = other._sweeper
        self._sweeper.streams.discard(other)
        self._sweeper.streams.add(self)

    def close(self) -> None:
        self._sweeper.streams.discard(self)
        if self._stall is not None:
            self._sweeper.streams.discard(self._stall)
        self.on_unread = None
        self._reader.close()
        if self._writer is not None:
            self._writer.close()
        try:  # noqa: SIM105 (a context manager costs a microsecond for each connection)
            self.sock.close()
        except OSError:
            pass
