"""A connection's bytes, to either side: non-blocking sockets that wait on the worker's event loop.

Request and response take turns, so a `recv` before anything was awaited would nearly always fail:
reading waits first, writing tries first. The watchers live as long as the stream.
"""

from __future__ import annotations

import _socket
import contextlib
from errno import ETIMEDOUT
from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

from proxy.net.deadlines import NEVER
from proxy.net.stall_detection import Stall

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.net.deadlines import Sweeper

READ, WRITE = 1, 2
PIECE = 65536

# struct linger: on, zero seconds
_RESET = b"\1\0\0\0\0\0\0\0"


class Stream:
    """A plain TCP stream over a connected socket, which it owns; one greenlet at a time may read.

    `deadline` (monotonic seconds) is enforced by the sweeper, which then sets `expired` and shuts down
    what `ends` says; a stream that is to be reset is `expired`, too. `stall_limit` is how long the other side
    may take nothing of what is being sent, in seconds, 0 for as long as it likes. `on_unread` is called when
    bytes or an end arrive while nobody reads.
    """

    __slots__ = (
        "_armed",
        "_hub",
        "_reader",
        "_reading",
        "_stall",
        "_sweeper",
        "_writer",
        "_writing",
        "deadline",
        "ends",
        "expired",
        "on_unread",
        "sock",
        "stall_limit",
    )

    plain = True
    """Whether the bytes given are those on the socket."""

    def __init__(self, sock: _socket.socket, sweeper: Sweeper) -> None:
        self.sock = sock
        self.deadline = NEVER
        self.expired = False
        self.ends = _socket.SHUT_RDWR
        self.on_unread: Callable[[Stream], None] | None = None
        self._hub = hub = get_hub()
        self._reading: Any = None
        self._armed = False
        self._reader = hub.loop.io(sock.fileno(), READ)
        self._writer: Any = None
        self._writing: Any = None
        self._stall: Stall | None = None
        self.stall_limit = 0.0
        self._sweeper = sweeper
        sweeper.streams.add(self)

    def recv(self, size: int = PIECE) -> bytes:
        """Wait for bytes; b"" at the end of the stream. Raises OSError when the connection broke."""
        while True:
            self.wait_readable()
            try:
                return self.sock.recv(size)
            except BlockingIOError:
                continue

    def wait_readable(self) -> None:
        """Wait until there are bytes, or an end."""
        # The watcher stays armed between waits: to stop it each time would cost a system call.
        if not self._armed:
            self.watch()
        self._reading = getcurrent()
        try:
            self._hub.switch()
        finally:
            self._reading = None

    def watch(self) -> None:
        """Look for bytes also while nobody reads."""
        if not self._armed:
            self._armed = True
            self._reader.start(self._readable)

    def _readable(self) -> None:
        reading = self._reading
        if reading is not None:
            reading.switch()
            return
        # Bytes that nobody wants yet would be reported again and again.
        self._reader.stop()
        self._armed = False
        if self.on_unread is not None:
            self.on_unread(self)

    def has_bytes(self) -> bool:
        """Whether bytes have come that are still in the socket; an end alone is none."""
        try:
            return bool(self.sock.recv(1, _socket.MSG_PEEK))
        except OSError:
            return False

    @property
    def unread(self) -> bool:
        """Whether bytes have come that nobody wanted: to close the stream would reset the connection."""
        # While the watcher is armed, nothing has come. A connection that is cut is to be reset.
        return not (self._armed or self.expired) and self.has_bytes()

    def send(self, data: bytes) -> None:
        """Send all of it. Raises OSError when the connection broke."""
        try:
            sent = self.sock.send(data)
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
        """Wait until the socket takes more, or until the other side has taken nothing for `stall_limit`."""
        if self._writer is None:
            self._writer = self._hub.loop.io(self.sock.fileno(), WRITE)
        if not self.stall_limit:
            self._hub.wait(self._writer)
            return
        stall = self._stall
        if stall is None:
            stall = self._stall = Stall(self)
            self._sweeper.streams.add(stall)
        stall.begin()
        self._writing = getcurrent()
        try:
            self._hub.wait(self._writer)
        finally:
            self._writing = None
            stall.pause()

    def expire(self) -> None:
        """End the stream under whoever waits for it."""
        self.deadline = NEVER
        self.expired = True
        self.shutdown(self.ends)

    def shutdown(self, how: int) -> None:
        """Half-close or close; a connection that is already gone is no fault."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(how)

    def reset(self) -> None:
        """Have `close` end the connection at once and with a reset, what is unsent being lost."""
        self.expired = True
        with contextlib.suppress(OSError):
            self.sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _RESET)

    def cut(self) -> None:
        """End the stream under whoever waits, so that what was sent so far cannot pass for all.

        Whoever sends gets OSError and is to close it, which resets the connection. To shut down what is still
        queued would end it in order, for a client that takes it just then.
        """
        self.reset()
        self.shutdown(_socket.SHUT_RD)
        if self._writing is not None:
            self._hub.loop.run_callback(self._break_off, self._writing)

    def _break_off(self, writing: Any) -> None:
        # It may have gone on in the meantime.
        if self._writing is writing:
            writing.throw(TimeoutError(ETIMEDOUT, "the other side takes nothing"))

    def give_up(self) -> _socket.socket:
        """End this stream, but not its connection; the socket is the caller's from now on."""
        sock = _socket.socket(fileno=self.sock.detach())
        sock.setblocking(False)
        self.close()
        return sock

    def close(self) -> None:
        self._sweeper.streams.discard(self)
        if self._stall is not None:
            self._sweeper.streams.discard(self._stall)
        self.on_unread = None
        self._reader.close()
        if self._writer is not None:
            self._writer.close()
        with contextlib.suppress(OSError):
            self.sock.close()
