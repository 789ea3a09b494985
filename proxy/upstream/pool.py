"""The keep-alive connections to one server, last in, first out.

An idle connection that turns readable has nothing to say but its end: it is dropped at once, so that
a request hardly ever meets a dead one.
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

if TYPE_CHECKING:
    import ssl

    from proxy.net.deadlines import Sweeper
    from proxy.net.stream import Stream

REMOVED_DIAL_TIMEOUT = 1.0
"""Seconds that a dial may take once its server has left the configuration."""

KERNEL_TIMEOUT_MARGIN = 5.0
"""Seconds by which the system's own limit lies above the one that the worker sees to itself."""

_pools: WeakSet[Pool] = WeakSet()


class Pool:
    """Idle connections to `address`; `idle_timeout` and `stall_limit` in seconds, 0 for none."""

    __slots__ = (
        "__weakref__",
        "_address",
        "_context",
        "_dial_timeout",
        "_dialling",
        "_idle",
        "_idle_timeout",
        "_on_idle",
        "_stall_limit",
        "_sweeper",
        "closed",
        "heads",
    )

    IDLE_LIMIT = 200

    def __init__(
        self,
        address: tuple[str, int],
        sweeper: Sweeper,
        dial_timeout: float,
        idle_timeout: float,
        context: ssl.SSLContext | None = None,
        stall_limit: float = 0.0,
    ) -> None:
        self._address = address
        self._sweeper = sweeper
        self._dial_timeout = dial_timeout
        self._idle_timeout = idle_timeout
        self._context = context
        self._stall_limit = stall_limit
        self._idle: list[Stream] = []
        self._dialling: set[Any] = set()
        self._on_idle = partial(_drop, self._idle)
        self.closed = False
        self.heads = ResponseHeads()
        _pools.add(self)

    def take(self) -> Stream | None:
        """An idle connection, none when there is none."""
        while self._idle:
            stream = self._idle.pop()
            stream.on_unread = None
            if not stream.expired:
                stream.deadline = NEVER
                return stream
            # Swept a moment ago, and not yet dropped.
            stream.close()
        return None

    def take_alive(self) -> Stream | None:
        """As `take`, for a request that could not be sent twice: also looks for an end not yet noticed."""
        while (stream := self.take()) is not None:
            try:
                stream.sock.recv(1, _socket.MSG_PEEK)
            except BlockingIOError:
                return stream
            except OSError:
                pass
            stream.close()
        return None

    def dial(self) -> Stream:
        """A new connection. Raises DialError."""
        try:
            stream = self._dial()
        except DialError as error:
            if not error.exhausted or not close_all_idle():
                raise
            stream = self._dial()
        stream.stall_limit = limit = self._stall_limit
        if limit:
            # For what is sent to nobody, which takes no place in a buffer that could stay full.
            patience = int(1000 * (limit + KERNEL_TIMEOUT_MARGIN))
            stream.sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_USER_TIMEOUT, patience)
        return stream

    def probe(self, timeout: float) -> None:
        """Make a connection within `timeout` s, and end it again. Raises DialError."""
        dial(self._address, self._sweeper, timeout, self._context).close()

    def _dial(self) -> Stream:
        current = getcurrent()
        self._dialling.add(current)
        timeout = self._dial_timeout
        if self.closed:
            timeout = min(timeout or REMOVED_DIAL_TIMEOUT, REMOVED_DIAL_TIMEOUT)
        try:
            return dial(self._address, self._sweeper, timeout, self._context)
        finally:
            self._dialling.discard(current)

    def _abandon(self, dialling: Any) -> None:
        # It may have gone on in the meantime.
        if dialling in self._dialling:
            dialling.throw(DialError("the server has left"))

    def give(self, stream: Stream) -> None:
        """Take back a connection on which nothing is outstanding."""
        if self.closed or stream.expired or len(self._idle) >= self.IDLE_LIMIT:
            stream.close()
            return
        stream.deadline = after(self._idle_timeout)
        stream.on_unread = self._on_idle
        stream.watch()
        self._idle.append(stream)

    def close(self) -> None:
        """Close what is idle now, and what is given back later; dials have little time from now on.

        A server that has gone may not even refuse: its address answers nothing.
        """
        self.closed = True
        self.close_idle()
        for greenlet in self._dialling:
            timer = get_hub().loop.timer(REMOVED_DIAL_TIMEOUT)
            timer.start(self._abandon, greenlet)

    def close_idle(self) -> int:
        """Close what is idle now; how many connections that was."""
        count = len(self._idle)
        for stream in self._idle:
            stream.close()
        self._idle.clear()
        return count


def close_all_idle() -> int:
    """Close all idle connections to servers, for their descriptors; how many there were."""
    return sum(pool.close_idle() for pool in list(_pools))


def _drop(idle: list[Stream], stream: Stream) -> None:
    idle.remove(stream)
    stream.close()
