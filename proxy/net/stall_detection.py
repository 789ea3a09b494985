"""Detects connections without progress from the kernel's counters, at most once a second.

The kernel counts the bytes that each side has acknowledged and sent. So no code runs for each piece of a
body, and spliced bodies are covered as well. A detector is one of the sweeper's streams; the sweeper calls
its `expire` when its deadline has passed.
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
    """The part of a stream that `StallDetector` uses."""

    sock: _socket.socket
    shutdown_mode: int
    stall_limit: float

    def expire(self) -> None: ...
    def cut(self) -> None: ...


class Silenced(Protocol):
    """The part of a stream that `SilenceTimeout` uses."""

    shutdown_mode: int

    def expire(self) -> None: ...

    def quiet_seconds(self) -> float:
        """Return the seconds since bytes arrived; 0 while this worker leaves bytes unread."""


class StallDetector:
    """Cuts a stream, between `begin` and `pause`, if its peer accepts no data for `stall_limit` seconds.

    Progress means acknowledged bytes, because a slow reader frees space in the socket buffer only now and
    then.
    """

    __slots__ = ("_queued", "_since", "_stream", "deadline")

    def __init__(self, stream: Watched) -> None:
        self._stream = stream
        self._queued = 0
        self._since = NEVER
        self.deadline = NEVER

    def begin(self) -> None:
        """Start to check at every sweep, because the socket's buffer is full."""
        self._since = NEVER
        self.deadline = 0.0

    def pause(self) -> None:
        """Stop to check, because the socket's buffer has space again."""
        self.deadline = NEVER

    def expire(self) -> None:
        """Check whether the peer has acknowledged bytes since the last check; cut a stalled stream."""
        stream = self._stream
        now = monotonic()
        queued = _queued_bytes(stream.sock, termios.TIOCOUTQ)
        if self._since == NEVER or queued < self._queued:
            self._since = now
            self._queued = queued
        elif now - self._since >= stream.stall_limit:
            self.deadline = NEVER
            stream.cut()


class SilenceTimeout:
    """Ends streams if no bytes arrive on any of them for `limit` seconds, 0 for never.

    It is active from `start` to `stop`, or as a context manager.
    """

    __slots__ = ("_limit", "_streams", "_sweeper", "deadline")

    def __init__(self, sweeper: Sweeper, limit: float, *streams: Silenced) -> None:
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
        """End the streams if all were silent for the limit; otherwise set the next deadline."""
        silent = min(stream.quiet_seconds() for stream in self._streams)
        if silent < self._limit:
            self.deadline = after(self._limit - silent)
            return
        self.deadline = NEVER
        for stream in self._streams:
            stream.shutdown_mode = _socket.SHUT_RDWR
            stream.expire()


def quiet_seconds(sock: _socket.socket) -> float:
    """Return the seconds since bytes arrived at a socket; 0 while this worker leaves bytes unread."""
    try:
        if _queued_bytes(sock, termios.FIONREAD):
            return 0.0
        assert _INFO is not None  # noqa: S101 (`start` has checked it)
        info = sock.getsockopt(_socket.IPPROTO_TCP, _INFO, _LAST_RECEIVED.size)
    except OSError:
        # The stream was closed just now, and its reader notices that itself.
        return 0.0
    return float(_LAST_RECEIVED.unpack(info)[0]) / 1000


def _queued_bytes(sock: _socket.socket, request: int) -> int:
    number: int = _INT.unpack(fcntl.ioctl(sock.fileno(), request, bytes(4)))[0]
    return number
