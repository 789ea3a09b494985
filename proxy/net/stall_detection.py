"""Whether a connection still makes progress, asked of the kernel, and only once a second.

It keeps count of what each side has taken and sent. So nothing needs to be noted for each piece of a body,
and bodies that never pass through this process are watched as well. What is watched stands among the
sweeper's streams, and is looked at when its deadline has passed.
"""

from __future__ import annotations

import _socket
import fcntl
import struct
import termios
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from proxy.net.deadlines import NEVER, after

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper

_INT = struct.Struct("i")
# struct tcp_info of Linux: tcpi_last_data_recv, in milliseconds.
_LAST_RECEIVED = struct.Struct("52xI")
_INFO = getattr(_socket, "TCP_INFO", None)


class Watched(Protocol):
    """What of a stream is needed here."""

    sock: _socket.socket
    ends: int
    stall_limit: float

    def expire(self) -> None: ...
    def cut(self) -> None: ...


class Stall:
    """Ends a stream, from `begin` to `pause`, whose other side takes nothing for its `stall_limit`.

    A slow reader frees room in the socket only now and then: what counts is what it has acknowledged.
    """

    __slots__ = ("_queued", "_since", "_stream", "deadline")

    def __init__(self, stream: Watched) -> None:
        self._stream = stream
        self._queued = 0
        self._since = NEVER
        self.deadline = NEVER

    def begin(self) -> None:
        """The socket takes no more: look at every sweep from now on."""
        self._since = NEVER
        self.deadline = 0.0

    def pause(self) -> None:
        """The socket has room again."""
        self.deadline = NEVER

    def expire(self) -> None:
        """Look whether anything was taken since the last look."""
        stream = self._stream
        now = monotonic()
        queued = _count(stream, termios.TIOCOUTQ)
        if self._since == NEVER or queued < self._queued:
            self._since = now
            self._queued = queued
        elif now - self._since >= stream.stall_limit:
            self.deadline = NEVER
            stream.cut()


class Silence:
    """Ends streams when nothing has come on any of them for `limit` seconds; 0: never.

    It looks from `start` to `stop`, or as a context.
    """

    __slots__ = ("_limit", "_streams", "_sweeper", "deadline")

    def __init__(self, sweeper: Sweeper, limit: float, *streams: Watched) -> None:
        self._sweeper = sweeper
        self._limit = limit
        self._streams = streams
        self.deadline = NEVER

    def start(self) -> None:
        if self._limit and _INFO is not None:
            self.deadline = after(self._limit)
            self._sweeper.streams.add(self)

    def stop(self) -> None:
        self._sweeper.streams.discard(self)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def expire(self) -> None:
        """Look when something came last."""
        quiet = min(map(_quiet, self._streams))
        if quiet < self._limit:
            self.deadline = after(self._limit - quiet)
            return
        self.deadline = NEVER
        for stream in self._streams:
            stream.ends = _socket.SHUT_RDWR
            stream.expire()


def _count(stream: Watched, request: int) -> int:
    number: int = _INT.unpack(fcntl.ioctl(stream.sock.fileno(), request, bytes(4)))[0]
    return number


def _quiet(stream: Watched) -> float:
    """Seconds since bytes came on a stream; none have passed while we ourselves leave some unread."""
    try:
        if _count(stream, termios.FIONREAD):
            return 0.0
        assert _INFO is not None  # noqa: S101 (`start` has looked)
        info = stream.sock.getsockopt(_socket.IPPROTO_TCP, _INFO, _LAST_RECEIVED.size)
    except OSError:
        # Closed in this moment; whoever reads from it knows.
        return 0.0
    return float(_LAST_RECEIVED.unpack(info)[0]) / 1000
