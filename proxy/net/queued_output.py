"""Sends what a protocol without I/O has queued: many small writes leave in one send.

All that is queued in one turn of the event loop leaves at its end. A greenlet sends only while the socket is
full, so that nobody who queues something ever waits here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import gevent
from gevent import get_hub

if TYPE_CHECKING:
    from proxy.net.stream import Stream


class Source(Protocol):
    """The protocol whose bytes are to be sent."""

    def take_output(self) -> bytes:
        """Return all bytes to send, possibly none; `resume` follows once they have left."""

    def resume(self) -> None:
        """Queue what waited for memory."""


class QueuedOutput:
    """Sends the output of `source`, to be set before the event loop's next turn, over `stream`.

    It is `blocked` while a greenlet waits for the socket to take more. Once the connection is `broken`,
    output is dropped; whoever reads from the stream notices its end.
    """

    __slots__ = ("_loop", "_scheduled", "_stream", "_writer", "blocked", "broken", "source")

    source: Source

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._loop = get_hub().loop
        self._scheduled = False
        self.blocked = False
        self._writer: gevent.Greenlet[[], None] | None = None
        self.broken = False

    def schedule(self) -> None:
        """Send at the end of this turn of the event loop; called when something is queued."""
        if not (self._scheduled or self.blocked):
            self._scheduled = True
            self._loop.run_callback(self._run_scheduled)

    def flush(self) -> None:
        """Send at once what the socket accepts, for example before the connection is closed."""
        source = self.source
        while not self.blocked and (data := source.take_output()):
            if self.broken:
                return
            try:
                sent = self._stream.try_send(data)
            except OSError:
                self.broken = True
                return
            if sent:
                source.resume()
            else:
                self.blocked = True
                self._writer = gevent.spawn(self._finish_send)

    def stop(self) -> None:
        """Drop what is not sent yet; due before the stream is closed."""
        self.broken = True
        if self._writer is not None:
            self._writer.kill(block=False)

    def _run_scheduled(self) -> None:
        self.flush()
        self._scheduled = False

    def _finish_send(self) -> None:
        try:
            self._stream.finish_send()
        except OSError:
            self.broken = True
        self.blocked = False
        self.source.resume()
        self.flush()
