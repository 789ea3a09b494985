"""Connections to one server: those of HTTP/1.1 for one request after the other, last in, first out.

An idle connection that becomes readable has ended, because the server has nothing else to send. The pool
closes it at once, so that a request hardly ever gets a dead connection. A server that speaks HTTP/2 gets
connections that each take many requests at a time (`http2_connections`).
"""

from __future__ import annotations

import _socket
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from gevent import get_hub, getcurrent

from proxy.http1.repeated_heads import ResponseHeads
from proxy.net.deadlines import NEVER, after
from proxy.upstream.connection import DialError, dial
from proxy.upstream.http2_connections import FAIR_PATIENCE, Http2Connections
from proxy.upstream.http2_stream import Http2Stream

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper
    from proxy.net.stream import Stream
    from proxy.upstream.http2_connection import Http2Timeouts
    from proxy.upstream.server_tls import ServerTls

REMOVED_DIAL_TIMEOUT = 1.0
"""Seconds that a dial may take after its server has left the configuration."""

KERNEL_TIMEOUT_MARGIN = 5.0
"""Seconds by which the kernel's timeout exceeds the stall limit that the worker enforces itself."""

SHORTEST_PATIENCE = 0.001
"""The least time in seconds for a dial."""

_pools: WeakSet[Pool] = WeakSet()


class Pool:
    """Connections to `address`; timeouts and `stall_limit` in seconds, 0 for none.

    At most `idle_limit` idle connections stay. `response_header_timeout` is for those who send requests.
    `http2` are the timeouts of HTTP/2, if the server may speak it: by ALPN, or, without TLS, in any case.
    """

    __slots__ = (
        "__weakref__",
        "_address",
        "_dial_timeout",
        "_dialling",
        "_http2",
        "_idle",
        "_idle_limit",
        "_idle_timeout",
        "_on_idle",
        "_stall_limit",
        "_sweeper",
        "_tls",
        "closed",
        "heads",
        "response_header_timeout",
    )

    IDLE_LIMIT = 200

    def __init__(
        self,
        address: tuple[str, int],
        sweeper: Sweeper,
        dial_timeout: float,
        idle_timeout: float,
        tls: ServerTls | None = None,
        stall_limit: float = 0.0,
        response_header_timeout: float = 0.0,
        idle_limit: int = IDLE_LIMIT,
        http2: Http2Timeouts | None = None,
    ) -> None:
        self._address = address
        self._sweeper = sweeper
        self._dial_timeout = dial_timeout
        self._idle_timeout = idle_timeout
        self._tls = tls
        self._stall_limit = stall_limit
        self._idle_limit = idle_limit
        self.response_header_timeout = response_header_timeout
        self._idle: list[Stream] = []
        self._dialling: set[Any] = set()
        self._on_idle = partial(_drop, self._idle)
        self.closed = False
        self._http2: Http2Connections | None = None
        if http2 is not None:
            self._http2 = Http2Connections(
                self._dial_connection,
                b"http" if tls is None else b"https",
                sweeper,
                http2,
                dial_timeout,
                idle_limit,
                stall_limit,
            )
        self.heads = ResponseHeads()
        _pools.add(self)

    def take(self) -> Stream | None:
        """Take an idle connection; return None if there is none."""
        while self._idle:
            stream = self._idle.pop()
            stream.on_unread = None
            if not stream.expired:
                stream.deadline = NEVER
                return stream
            # Its deadline passed a moment ago, and the event loop has not dropped it yet.
            stream.close()
        return None if self._http2 is None else self._http2.take()

    def take_alive(self) -> Stream | None:
        """Take an idle connection that has not ended, for requests that cannot be repeated."""
        while self._idle:
            stream = self.take()
            if stream is None or stream.multiplexed:
                return stream
            try:
                stream.sock.recv(1, _socket.MSG_PEEK)
            except BlockingIOError:
                return stream
            except OSError:
                pass
            stream.close()
        return None if self._http2 is None else self._http2.take_alive()

    def dial(self, patience: float = NEVER) -> Stream:
        """Open a new connection, within the dial timeout or `patience` in seconds. Raises DialError.

        If the server speaks HTTP/2, return a stream, be it of a connection that others have opened meanwhile.
        """
        http2 = self._http2
        if http2 is None:
            return self._dial_connection(patience)
        return self.dial_http1(patience) if http2.wants_http1 else http2.dial(patience)

    @property
    def may_speak_http2(self) -> bool:
        """Whether connections to the server may be of HTTP/2, which has no upgrades."""
        return self._http2 is not None

    def dial_http1(self, patience: float = NEVER) -> Stream:
        """Open a new connection of HTTP/1.1, if the server may speak it. Raises DialError."""
        if self._tls is None or not self._tls.offers_http2:
            return self.dial(patience)
        try:
            return self._dial_connection(patience, self._tls.without_http2())
        except ValueError as error:
            raise DialError(str(error)) from None

    def _dial_connection(self, patience: float, tls: ServerTls | None = None) -> Stream:
        """Open a new connection, with TLS as the pool has it unless `tls` says otherwise."""
        tls = tls or self._tls
        try:
            stream = self._dial(patience, tls)
        except DialError as error:
            if not error.exhausted or not close_all_idle():
                raise
            stream = self._dial(patience, tls)
        stream.stall_limit = limit = self._stall_limit
        if limit:
            # Breaks the connection if sent data stays unacknowledged although the send buffer is not full.
            patience = int(1000 * (limit + KERNEL_TIMEOUT_MARGIN))
            stream.sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_USER_TIMEOUT, patience)
        return stream

    def probe(self, timeout: float, *, with_tls: bool) -> None:
        """Connect within `timeout` s, and close the connection again. Raises DialError.

        Unless `with_tls`, there is no handshake, so the transport of this pool does not matter.
        """
        dial(self._address, self._sweeper, timeout, self._tls if with_tls else None).close()

    def _dial(self, patience: float, tls: ServerTls | None) -> Stream:
        current = getcurrent()
        self._dialling.add(current)
        timeout = self._dial_timeout
        hurried = patience < (timeout or NEVER)
        if hurried:
            timeout = max(patience, SHORTEST_PATIENCE)
        if self.closed:
            timeout = min(timeout or REMOVED_DIAL_TIMEOUT, REMOVED_DIAL_TIMEOUT)
        try:
            return dial(self._address, self._sweeper, timeout, tls)
        except DialError as error:
            if hurried and error.timed_out and timeout < FAIR_PATIENCE:
                error.unreachable = error.handshake_failed = False
            raise
        finally:
            self._dialling.discard(current)

    def _abandon(self, dialling: Any) -> None:
        # The dial may have ended in the meantime.
        if dialling in self._dialling:
            dialling.throw(DialError("the server has left the configuration"))

    def give(self, stream: Stream) -> None:
        """Put back a connection that has no outstanding request or response."""
        if stream.multiplexed:
            assert isinstance(stream, Http2Stream)  # noqa: S101
            stream.finish()
            return
        if self.closed or stream.expired or len(self._idle) >= self._idle_limit:
            stream.close()
            return
        stream.deadline = after(self._idle_timeout)
        stream.on_unread = self._on_idle
        stream.watch()
        self._idle.append(stream)

    def close(self) -> None:
        """Close idle connections now and others when they come back; limit dials to REMOVED_DIAL_TIMEOUT.

        A removed server may not even refuse connections: nothing responds at its address.
        """
        self.closed = True
        self.close_idle()
        if self._http2 is not None:
            self._http2.close()
        for greenlet in self._dialling:
            timer = get_hub().loop.timer(REMOVED_DIAL_TIMEOUT)
            timer.start(self._abandon, greenlet)

    def close_idle(self) -> int:
        """Close the connections that are idle now, and return how many they were."""
        count = len(self._idle) if self._http2 is None else len(self._idle) + self._http2.close_idle()
        for stream in self._idle:
            stream.close()
        self._idle.clear()
        return count


def close_all_idle() -> int:
    """Close the idle connections of all pools to free descriptors, and return how many they were."""
    return sum(pool.close_idle() for pool in list(_pools))


def _drop(idle: list[Stream], stream: Stream) -> None:
    idle.remove(stream)
    stream.close()
