"""Joins a client with a server until both have ended."""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

from proxy.tcp.direction import Direction

if TYPE_CHECKING:
    from proxy.net.stream import Stream
    from proxy.telemetry.connections.record import ConnectionRecord


class Relay:
    """Moves bytes between a client and a server, in both directions.

    When one side ends its stream, the other side learns it, and has `termination_delay` seconds to end its
    own, or any time if that is negative. `record` learns how many bytes have moved.
    """

    __slots__ = ("_client", "_open", "_record", "_server", "_termination_delay", "_timer", "_waiting")

    def __init__(
        self, client: Stream, server: Stream, termination_delay: float, record: ConnectionRecord
    ) -> None:
        self._client = client
        self._server = server
        self._record = record
        self._termination_delay = termination_delay
        self._open = 2
        self._timer: Any = None
        self._waiting: Any = None

    def run(self, early: bytes) -> None:
        """Move bytes until both directions have ended; those in `early` are the client's first ones.

        Raises OSError.
        """
        record = self._record
        upward = Direction(self._client, self._server, record.upward, self._on_end, self._on_break)
        downward = Direction(self._server, self._client, record.downward, self._on_end, self._on_break)
        self._waiting = getcurrent()
        try:
            upward.start(early)
            if self._client.plain and self._server.plain:
                downward.start(b"")
            else:
                downward.run()
            if self._open:
                get_hub().switch()
        finally:
            self._waiting = None
            upward.close()
            downward.close()
            if self._timer is not None:
                self._timer.close()

    def end(self) -> None:
        """End both directions now."""
        for stream in (self._client, self._server):
            stream.expired = True
            stream.shutdown(_socket.SHUT_RDWR)

    def _on_end(self, direction: Direction) -> None:
        """Pass an end on: the source of this direction sends no more."""
        sink = direction.sink
        is_first = self._open == 2
        # If both directions have ended, the end of the connection is the end of this one.
        if is_first or not sink.plain:
            try:
                sink.end_sending()
            except OSError:
                self._on_break(direction)
                return
        self._close_one()
        if self._open == 1 and self._termination_delay >= 0:
            # What the other side has sent until then still reaches this one.
            sink.shutdown_mode = _socket.SHUT_RD
            self._timer = get_hub().loop.timer(self._termination_delay)
            self._timer.start(sink.expire, update=True)

    def _on_break(self, _direction: Direction) -> None:
        """End both directions: a broken side neither sends nor receives any more."""
        self.end()
        self._close_one()

    def _close_one(self) -> None:
        self._open -= 1
        if not self._open:
            # The direction that has ended may be in a greenlet of its own, which has to end first.
            get_hub().loop.run_callback(self._wake)

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.switch()
