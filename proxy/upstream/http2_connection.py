"""A connection of HTTP/2 to a server: reads in a greenlet of its own, and sends what its streams queue."""

from __future__ import annotations

import _socket
from errno import ECONNABORTED, ECONNRESET
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol

import gevent
from gevent.event import Event

from proxy.http2.client_connection import ClientConnection
from proxy.http2.errors import HTTP_1_1_REQUIRED, ConnectionFault, error_name
from proxy.http2.settings import LocalSettings
from proxy.net.deadlines import NEVER, after
from proxy.net.queued_output import QueuedOutput

if TYPE_CHECKING:
    from proxy.http2.stream import Stream as CoreStream
    from proxy.net.deadlines import Sweeper
    from proxy.net.stream import Stream
    from proxy.upstream.http2_stream import Http2Stream

_SETTINGS = LocalSettings()
_PING = b"rondpnt\0"


class Http2Timeouts(NamedTuple):
    """Timeouts in seconds, 0 for none.

    `idle`: how long a connection stays without a stream. After `read_idle` without a frame from the server, a
    PING asks whether it is alive; it must respond within `ping`.
    """

    idle: float
    read_idle: float
    ping: float


class Group(Protocol):
    """The connections to one server."""

    def capacity_changed(self, connection: Http2Connection) -> None:
        """Note that the connection has one stream fewer, or may have more of them."""

    def connection_ends(self, connection: Http2Connection) -> None:
        """Note that the connection takes no new streams any more."""

    def http1_required(self) -> bool:
        """Note that the server wants HTTP/1.1; return whether it may get it."""


class Http2Connection:
    """One connection; `group` has the others to the same server.

    `reserved` counts the streams that have not begun. Once `ends` is set, no more are reserved. `reason` says
    why the connection has ended.
    """

    def __init__(
        self, stream: Stream, scheme: bytes, group: Group, sweeper: Sweeper, timeouts: Http2Timeouts
    ) -> None:
        self._stream = stream
        self._group = group
        self._sweeper = sweeper
        self._timeouts = timeouts
        self.reserved = 0
        self.ends = self.has_served = False
        self.reason = ""
        # The server takes no more streams, or the connection has ended.
        self._gone = False
        self._ended = self._was_reset = False
        self._ready = Event()
        self._received_at = monotonic()
        self._ping_sent = False
        self._ping_deadline = after(timeouts.read_idle)
        self._idle_deadline = NEVER
        self.deadline = self._ping_deadline
        self._output = QueuedOutput(stream)
        self._output.source = self._core = ClientConnection(self, _SETTINGS, scheme)
        sweeper.streams.add(self)
        gevent.spawn(self._read)

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait for the settings, a server's first bytes; return False if none come or the connection ends."""
        self._ready.wait(timeout)
        return self._core.peer.received and not self.ends

    @property
    def free(self) -> int:
        """How many streams may begin now."""
        return 0 if self.ends else self._core.free_streams - self.reserved

    @property
    def accepts_none(self) -> bool:
        """Whether the server allows no streams for the time being."""
        return not (self.ends or self._core.peer.streams)

    @property
    def is_idle(self) -> bool:
        return not (self._core.streams or self.reserved)

    @property
    def has_unread(self) -> bool:
        """Whether the socket holds bytes, or an end, that the reading greenlet has not seen yet."""
        try:
            self._stream.sock.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def failure(self) -> OSError | None:
        """Return the error for streams that the end of the connection has ended; None before."""
        if not self._ended:
            return None
        if self._was_reset:
            return ConnectionResetError(ECONNRESET, self.reason)
        return OSError(ECONNABORTED, self.reason)

    def begin(self, stream: Http2Stream, head: bytes, *, ended: bool, is_head: bool) -> CoreStream | None:
        """Begin a reserved stream with a request; return None if the connection takes none any more."""
        if self._gone:
            return None
        self.reserved -= 1
        if self._idle_deadline != NEVER:
            self._idle_deadline = NEVER
            self.deadline = self._ping_deadline
        return self._core.open_stream(stream, head, ended=ended, is_head=is_head)

    def release(self, *, begun: bool) -> None:
        """Note that a reserved stream is closed, after it has begun or before."""
        if not begun:
            self.reserved -= 1
        if self.is_idle:
            if self.ends:
                self.close()
            else:
                self._idle_deadline = after(self._timeouts.idle)
                self.deadline = min(self._idle_deadline, self._ping_deadline)
        self._group.capacity_changed(self)

    def stream_refused(self) -> None:
        # Whatever its settings say, the server takes no more on this connection.
        if not self.ends:
            self._group.connection_ends(self)
            self.retire()

    def http1_required(self) -> bool:
        return self._group.http1_required()

    def retire(self) -> None:
        """Begin no more streams, and end the connection after the last one."""
        self.ends = True
        if self.is_idle:
            self.close()

    def close(self) -> None:
        """End the connection, on which no stream is open."""
        self.ends = self._gone = True
        if not self._ended:
            self.reason = self.reason or "the connection was idle"
            self._core.go_away()
            self._output.flush()
            self._stream.shutdown(_socket.SHUT_RDWR)

    def expire(self) -> None:
        """End a connection that is idle for too long; ask others whether the server is alive (§6.7)."""
        now = monotonic()
        if now >= self._idle_deadline:
            self.deadline = NEVER
            self.close()
            return
        timeouts = self._timeouts
        if self._ping_sent:
            self.deadline = NEVER
            self.reason = f"the server has not responded to a PING within {timeouts.ping:g} s"
            self._stream.expire()
            return
        silent = now - self._received_at
        if silent < timeouts.read_idle:
            self._ping_deadline = after(timeouts.read_idle - silent)
        else:
            self._core.ping(_PING)
            self._ping_sent = True
            self._ping_deadline = after(timeouts.ping)
        self.deadline = min(self._idle_deadline, self._ping_deadline)

    def _read(self) -> None:
        stream, core = self._stream, self._core
        reason = "the server has ended the connection"
        try:
            while data := stream.recv():
                self._received_at = monotonic()
                core.receive(data)
        except ConnectionFault as fault:
            reason = f"an error in the server's HTTP/2: {fault}"
        except OSError as error:
            reason = error.strerror or str(error)
            self._was_reset = isinstance(error, ConnectionResetError)
        finally:
            self.reason = self.reason or reason
            self._end()

    def _end(self) -> None:
        self._ended = self._gone = self.ends = True
        # An error in what the server has sent is told in a GOAWAY.
        self._output.flush()
        self._output.stop()
        self._sweeper.streams.discard(self)
        self._core.abort()
        self._stream.close()
        self._ready.set()
        self._group.connection_ends(self)

    # What the protocol calls

    def has_output(self) -> None:
        self._output.schedule()

    def settings_received(self) -> None:
        if self._ready.is_set():
            self._group.capacity_changed(self)
        self._ready.set()

    def peer_goes_away(self, last_stream_id: int, code: int) -> None:
        if code:
            self.reason = f"the server goes away: {error_name(code)}"
        if code == HTTP_1_1_REQUIRED:
            self._group.http1_required()
        self.ends = self._gone = True
        self._core.refuse_above(last_stream_id)
        self._group.connection_ends(self)
        if self.is_idle:
            self.close()

    def ping_acknowledged(self, payload: bytes) -> None:
        self._ping_sent = False
        self._ping_deadline = after(self._timeouts.read_idle)
        self.deadline = min(self._idle_deadline, self._ping_deadline)
