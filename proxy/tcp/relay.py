"""Moves bytes between a client and a server, in both directions, until both have ended."""

from __future__ import annotations

import _socket
from time import monotonic
from typing import TYPE_CHECKING

import gevent

from proxy.net.deadlines import expire_at
from proxy.net.splicing import can_splice, splice_arrived
from proxy.net.stream import READ_SIZE

if TYPE_CHECKING:
    from proxy.net.stream import Stream
    from proxy.telemetry.connections.record import ByteCount, ConnectionRecord

SPLICE_FROM = READ_SIZE
"""Bytes at once from which splicing pays off; short messages cost less by way of this process."""

SPLICE_WHILE = READ_SIZE // 4


class Relay:
    """Joins a client with a server; it takes at most what the other side accepts.

    When one side ends its stream, the other side learns it, and has `termination_delay` seconds to end its
    own, or any time if that is negative. `record` learns how many bytes have moved.
    """

    __slots__ = ("_client", "_ended", "_record", "_server", "_termination_delay")

    def __init__(
        self, client: Stream, server: Stream, termination_delay: float, record: ConnectionRecord
    ) -> None:
        self._client = client
        self._server = server
        self._record = record
        self._termination_delay = termination_delay
        self._ended = False

    def run(self, early: bytes) -> None:
        """Move bytes until both directions have ended; those in `early` are the client's first ones."""
        record = self._record
        upward = gevent.spawn(self._pump, self._client, self._server, record.upward, early)
        try:
            self._pump(self._server, self._client, record.downward, b"")
            upward.join()
        finally:
            upward.kill()

    def end(self) -> None:
        """End both directions now."""
        for stream in (self._client, self._server):
            stream.expired = True
            stream.shutdown(_socket.SHUT_RDWR)

    def _pump(self, source: Stream, sink: Stream, count: ByteCount, early: bytes) -> None:
        try:
            if early:
                sink.send(early)
                count.moved += len(early)
            _move(source, sink, count)
            if self._ended and sink.plain:
                # The other direction has ended, too: the end of the connection is the end of this one.
                return
            sink.end_sending()
        except OSError:
            # A broken side neither sends nor receives any more.
            self.end()
            return
        is_first, self._ended = not self._ended, True
        if not is_first or self._termination_delay < 0:
            return
        # What the other side has sent until then still reaches this one.
        sink.shutdown_mode = _socket.SHUT_RD
        expire_at(sink, monotonic() + self._termination_delay)


def _move(source: Stream, sink: Stream, count: ByteCount) -> None:
    """Move bytes to the end of the source, or until its time is over. Raises OSError."""
    while not source.expired:
        data = source.recv()
        if not data:
            return
        sink.send(data)
        count.moved += len(data)
        if len(data) >= SPLICE_FROM and can_splice(source, sink):
            moved = SPLICE_WHILE
            while moved >= SPLICE_WHILE and not source.expired:
                moved = splice_arrived(source, sink)
                count.moved += moved
            if not moved:
                return
