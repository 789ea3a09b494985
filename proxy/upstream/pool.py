"""The keep-alive connections to one server, last in, first out.

An idle connection that turns readable has nothing to say but its end: it is dropped at once, so that
a request hardly ever meets a dead one.
"""

from __future__ import annotations

import _socket
from functools import partial
from typing import TYPE_CHECKING

from proxy.deadlines import NEVER, after
from proxy.http1.repeats import ResponseHeads
from proxy.upstream.connection import dial

if TYPE_CHECKING:
    import ssl

    from proxy.deadlines import Sweeper
    from proxy.stream import Stream


class Pool:
    """Idle connections to `address`; `idle_timeout` and `stall_limit` in seconds, 0 for none."""

    __slots__ = (
        "_address",
        "_context",
        "_dial_timeout",
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
        self._on_idle = partial(_drop, self._idle)
        self.closed = False
        self.heads = ResponseHeads()

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
        stream = dial(self._address, self._sweeper, self._dial_timeout, self._context)
        stream.stall_limit = self._stall_limit
        return stream

    def probe(self, timeout: float) -> None:
        """Make a connection within `timeout` s, and end it again. Raises DialError."""
        dial(self._address, self._sweeper, timeout, self._context).close()

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
        """Close what is idle now, and what is given back later."""
        self.closed = True
        for stream in self._idle:
            stream.close()
        self._idle.clear()


def _drop(idle: list[Stream], stream: Stream) -> None:
    idle.remove(stream)
    stream.close()
