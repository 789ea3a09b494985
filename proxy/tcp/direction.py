"""One direction of a relayed connection: moves the bytes of one side to the other.

Most messages are short, and the sink accepts them at once. So callbacks of the event loop receive and send:
to switch to a greenlet and back takes much of the time of a message. Each callback moves one piece at most,
so that no connection holds up the others.

A greenlet takes over what has to wait: bytes that the sink does not accept yet, and many bytes at once, which
are spliced. It ends when that is done. TLS always has greenlets, because OpenSSL may have to send in order to
receive.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import gevent
from gevent import get_hub
from greenlet import greenlet

from proxy.net.splicing import can_splice, splice_arrived
from proxy.net.stream import READ_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.net.stream import Stream
    from proxy.telemetry.connections.record import ByteCount

SPLICE_FROM = READ_SIZE
"""Bytes at once from which splicing pays off; short messages cost less by way of this process."""

SPLICE_WHILE = READ_SIZE // 4


class Direction:
    """Moves bytes from `source` to `sink`, and takes at most what the sink accepts.

    `count` learns how many bytes have moved. When the source has ended, or its time is over, `on_end` is
    called with the direction. It may wait only if the sink is not plain. `on_break` is called instead if
    either side breaks. Nothing is moved afterwards.
    """

    __slots__ = ("_count", "_greenlet", "_is_plain", "_on_break", "_on_end", "_source", "sink")

    def __init__(
        self,
        source: Stream,
        sink: Stream,
        count: ByteCount,
        on_end: Callable[[Direction], None],
        on_break: Callable[[Direction], None],
    ) -> None:
        self._source = source
        self.sink = sink
        self._count = count
        self._on_end = on_end
        self._on_break = on_break
        self._is_plain = source.plain and sink.plain
        self._greenlet: greenlet | None = None

    def start(self, early: bytes) -> None:
        """Begin to move bytes, those in `early` first. Raises OSError."""
        if not self._is_plain:
            self._begin_greenlet(self._copy, early)
        elif not early or self._forward(early):
            self._source.notify(self._receive)

    def run(self) -> None:
        """Move bytes until the end in the current greenlet, which would only wait otherwise."""
        self._work(self._copy, b"")

    def close(self) -> None:
        """Move no more bytes, even if the source goes on."""
        if self._greenlet is not None and not self._greenlet.dead:
            gevent.kill(self._greenlet)

    def _receive(self) -> None:
        """Move the bytes that are here; called by the event loop."""
        source = self._source
        try:
            data = source.sock.recv(READ_SIZE)
            if data and self._forward(data):
                return
        except BlockingIOError:
            return
        except OSError:
            source.mute()
            self._on_break(self)
            return
        except Exception:
            source.mute()
            self._on_break(self)
            raise
        source.mute()
        if not data:
            self._on_end(self)

    def _forward(self, data: bytes) -> bool:
        """Send without waiting; return whether further bytes go on by callbacks. Raises OSError."""
        sent = self.sink.try_send(data)
        self._count.moved += len(data)
        many = len(data) >= SPLICE_FROM and can_splice(self._source, self.sink)
        if sent and not many and not self._source.expired:
            return True
        self._begin_greenlet(self._catch_up, sent, many)
        return False

    def _begin_greenlet(self, work: Callable[..., bool], *arguments: object) -> None:
        # A plain one, because one of gevent's takes three times as long to begin and to end.
        hub = get_hub()
        self._greenlet = greenlet(self._work, hub)
        hub.loop.run_callback(self._greenlet.switch, work, *arguments)

    def _work(self, work: Callable[..., bool], *arguments: object) -> None:
        """Do in a greenlet what may wait; afterwards go on by callbacks, unless the source has ended."""
        try:
            if work(*arguments):
                self._on_end(self)
            else:
                self._greenlet = None
                self._source.notify(self._receive)
        except OSError:
            self._on_break(self)
        except Exception:  # noqa: BLE001 (reported as gevent reports those of its greenlets)
            self._on_break(self)
            get_hub().handle_error(self, *sys.exc_info())

    def _copy(self, early: bytes) -> bool:
        """Move bytes over TLS until the source ends, or its time is over; return True. Raises OSError."""
        source, sink = self._source, self.sink
        if early:
            sink.send(early)
            self._count.moved += len(early)
        while not source.expired:
            data = source.recv()
            if not data:
                break
            sink.send(data)
            self._count.moved += len(data)
        return True

    def _catch_up(self, sent: bool, many: bool) -> bool:
        """Send the rest, and splice while `many` bytes come; return whether the source has ended.

        Raises OSError.
        """
        source, sink = self._source, self.sink
        if not sent:
            sink.finish_send()
        while many and not source.expired:
            moved = splice_arrived(source, sink)
            if not moved:
                return True
            self._count.moved += moved
            many = moved >= SPLICE_WHILE
        source.mute()
        return source.expired
