"""The connections of HTTP/2 to one server: few, each with many requests at a time.

A request takes a stream of the first connection that has one to spare. If none has, it waits: for the end of
another request, or for the next connection, which a greenlet of its own dials, one at a time. Over TLS, each
new connection tells by ALPN whether the server speaks HTTP/2; if it does not, requests dial for themselves. A
server that speaks HTTP/2 may answer a request by wanting HTTP/1.1 (RFC 9113 §7), which all then get for a
while.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event

from proxy.net.deadlines import NEVER
from proxy.net.tls_stream import TlsStream
from proxy.upstream.connection import HANDSHAKE_TIMEOUT, DialError
from proxy.upstream.http2_connection import Http2Connection, Http2Timeouts
from proxy.upstream.http2_stream import Http2Stream

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper
    from proxy.net.stream import Stream

TURNS = 5
"""Turns of the event loop that a reading greenlet has to see what has arrived; the second is enough."""

FAIR_PATIENCE = 2.0
"""Seconds after which a server that accepts no connection counts as unreachable for all its requests."""

HTTP1_SECONDS = 300.0
"""Seconds for which a server gets HTTP/1.1 after it has wanted that."""


class _Waiting:
    """A request that waits for a stream; `dials` means that it has to dial for itself."""

    __slots__ = ("dials", "done", "failure", "stream")

    def __init__(self) -> None:
        self.done = Event()
        self.stream: Stream | None = None
        self.failure: DialError | None = None
        self.dials = False


class Http2Connections:
    """Connections that `dial` opens, within seconds, to a server with this scheme.

    `dial_timeout` in seconds, 0 for none, also limits how long a request waits for a stream. At most
    `idle_limit` connections stay without a stream. A request stalls after `stall_limit` seconds without
    window, 0 for never.
    """

    def __init__(
        self,
        dial: Callable[[float], Stream],
        scheme: bytes,
        sweeper: Sweeper,
        timeouts: Http2Timeouts,
        dial_timeout: float,
        idle_limit: int,
        stall_limit: float,
    ) -> None:
        self._dial = dial
        self._scheme = scheme
        self._sweeper = sweeper
        self._timeouts = timeouts
        self._dial_timeout = dial_timeout
        self._idle_limit = idle_limit
        self._stall_limit = stall_limit
        self._connections: list[Http2Connection] = []
        self._waiting: deque[_Waiting] = deque()
        self._dials = False
        self._speaks_http1 = False
        self._http1_until = 0.0
        self._closed = False

    def take(self) -> Http2Stream | None:
        """Return a new stream of an open connection; None if none has one to spare."""
        for connection in self._connections:
            if connection.free > 0:
                connection.reserved += 1
                return Http2Stream(connection, self._sweeper, self._stall_limit)
        return None

    def take_alive(self) -> Http2Stream | None:
        """Return a new stream like `take`, of a connection that has not ended as far as the kernel knows."""
        for connection in list(self._connections):
            # On an idle connection, what is unread may be a GOAWAY or an end.
            for _ in range(TURNS):
                if not (connection.is_idle and connection.free > 0 and connection.has_unread):
                    break
                gevent.sleep(1e-6)
        return self.take()

    def dial(self, patience: float) -> Stream:
        """Return a stream of a new connection, or of another one that has one to spare meanwhile.

        Wait for at most `patience` in seconds. Raises DialError.
        """
        if self._speaks_http1:
            return self._dial_alone(patience)
        waiting = _Waiting()
        self._waiting.append(waiting)
        self._serve()
        began = monotonic()
        limit = min(patience, self._dial_timeout + HANDSHAKE_TIMEOUT if self._dial_timeout else NEVER)
        try:
            waiting.done.wait(limit if limit < NEVER else None)
        except BaseException:
            if waiting.stream is not None:
                waiting.stream.close()
            raise
        finally:
            with suppress(ValueError):
                self._waiting.remove(waiting)
        if waiting.stream is not None:
            return waiting.stream
        if waiting.dials:
            return self._dial_alone(patience - (monotonic() - began))
        if (failure := waiting.failure) is not None:
            raise failure.copy() from failure
        # Only a server that has taken no connection is unreachable; another one may just be busy.
        unreachable = not self._connections and limit >= FAIR_PATIENCE
        raise DialError("no stream became free in time", timed_out=True, unreachable=unreachable)

    @property
    def wants_http1(self) -> bool:
        """Whether the server has wanted HTTP/1.1 a while ago, so that no connection should offer HTTP/2."""
        return self._http1_until > 0.0 and monotonic() < self._http1_until

    def http1_required(self) -> bool:
        """Note that the server wants HTTP/1.1; return whether it may get it, which needs TLS and its ALPN."""
        if self._scheme != b"https":
            return False
        self._http1_until = monotonic() + HTTP1_SECONDS
        for connection in tuple(self._connections):
            connection.stream_refused()
        return True

    def close(self) -> None:
        """Close connections without streams now, and the others after their last stream."""
        self._closed = True
        for connection in list(self._connections):
            connection.retire()

    def close_idle(self) -> int:
        """Close the connections without streams, and return how many they were."""
        idle = [connection for connection in self._connections if connection.is_idle]
        for connection in idle:
            connection.close()
        return len(idle)

    def capacity_changed(self, connection: Http2Connection) -> None:
        """Let requests that wait take streams; close the connection if too many are idle."""
        if self._waiting:
            self._serve()
        # A connection whose settings have just come is not among the others yet.
        if connection.is_idle and not connection.ends and connection in self._connections:
            idle = sum(each.is_idle for each in self._connections)
            if idle > self._idle_limit or self._closed:
                self._connections.remove(connection)
                connection.close()

    def connection_ends(self, connection: Http2Connection) -> None:
        with suppress(ValueError):
            self._connections.remove(connection)
        if self._waiting:
            self._serve()

    def _serve(self) -> None:
        """Give streams to the requests that wait, and dial if some are left."""
        waiting = self._waiting
        while waiting and (stream := self.take()) is not None:
            first = waiting.popleft()
            first.stream = stream
            first.done.set()
        # Another connection to a server that allows no streams now would not allow any either.
        if waiting and not self._dials and not any(each.accepts_none for each in self._connections):
            self._dials = True
            gevent.spawn(self._connect)

    def _connect(self) -> None:
        """Dial for the requests that wait."""
        try:
            stream = self._dial(NEVER)
            if self._is_http1(stream):
                self._speaks_http1 = True
                self._give_http1(stream)
            else:
                self._adopt(stream)
                self._serve()
                self._retire_if_closed()
        except DialError as error:
            self._end_waits(failure=error)
        except OSError as os_error:
            # The new connection has broken already.
            self._end_waits(failure=DialError(os_error.strerror or str(os_error)))
        finally:
            self._dials = False
        if self._waiting:
            self._serve()

    def _dial_alone(self, patience: float) -> Stream:
        stream = self._dial(patience)
        if self._is_http1(stream):
            return stream
        # The server has changed its mind.
        self._speaks_http1 = False
        connection = self._adopt(stream)
        taken = self.take()
        self._retire_if_closed()
        if taken is None:
            raise DialError(connection.reason or "the server allows no streams")
        return taken

    def _retire_if_closed(self) -> None:
        # A request may still dial after its server has left the configuration.
        if self._closed:
            self.close()

    def _is_http1(self, stream: Stream) -> bool:
        return isinstance(stream, TlsStream) and stream.protocol != "h2"

    def _adopt(self, stream: Stream) -> Http2Connection:
        """Speak HTTP/2 on a new connection. Raises DialError if the server does not."""
        connection = Http2Connection(stream, self._scheme, self, self._sweeper, self._timeouts)
        if not connection.wait_until_ready(HANDSHAKE_TIMEOUT):
            timed_out = not connection.ends
            connection.close()
            raise DialError(
                "the server has sent no settings of HTTP/2" if timed_out else connection.reason,
                timed_out=timed_out,
            )
        self._connections.append(connection)
        return connection

    def _give_http1(self, stream: Stream) -> None:
        """Give the first request that waits this connection, and let the others dial."""
        if not self._waiting:
            stream.close()
            return
        first = self._waiting.popleft()
        first.stream = stream
        first.done.set()
        self._end_waits(dials=True)

    def _end_waits(self, *, failure: DialError | None = None, dials: bool = False) -> None:
        waits = list(self._waiting)
        self._waiting.clear()
        for each in waits:
            each.failure, each.dials = failure, dials
            each.done.set()
