"""How much content a peer may send on all streams of a connection together (RFC 9113 §5.2).

The connection's window is given back as soon as content has come, as nginx does, so that one slow upload
holds up no other. It is held back once the connection has too much content that nobody has taken: what the
peer may still send never exceeds what may still be held. If the whole worker holds too much, each connection
gets no more than the window with which HTTP/2 begins.
"""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING

from proxy.http2.errors import FLOW_CONTROL_ERROR, ConnectionFault
from proxy.http2.frames import DEFAULT_FRAME_SIZE, window_frame
from proxy.http2.settings import DEFAULT_WINDOW

if TYPE_CHECKING:
    from proxy.http2.output import Output
    from proxy.http2.unread_content import UnreadContent

LARGEST_WINDOW = 1 << 20
"""Bytes that may be on their way to this side."""
GROWTH_LIMIT = 4 << 20
"""Bytes by which all streams' windows together may grow beyond the default, if the limit allows as many."""
_STREAM_SHARE = 1 << 15
"""Bytes of the limit for each stream that a peer may open: half of them may have a whole window unread."""


def unread_limit(streams: int) -> int:
    """Return how much unread content a connection may hold on which the peer may open this many streams."""
    return max(streams * _STREAM_SHARE, 2 * LARGEST_WINDOW)


class ReceiveWindow:
    """The window of one connection; `unread` is the content that it holds, `limit` the most of it.

    The window begins with what the RFC says, and doubles each time the peer has used it up. The exception is
    `open`, for a peer that is trusted to need it.
    """

    __slots__ = ("_growth_left", "_left", "_output", "_received", "_size", "_worker", "limit", "unread")

    def __init__(self, output: Output, worker: UnreadContent, limit: int = maxsize) -> None:
        self._output = output
        self._worker = worker
        self.limit = limit
        self.unread = 0
        self._left = self._size = DEFAULT_WINDOW
        self._received = 0
        self._growth_left = min(GROWTH_LIMIT, limit // 2)

    def open(self) -> None:
        """Let the window have its largest size from now on."""
        self._size = LARGEST_WINDOW
        self._give_back()

    def arrived(self, size: int) -> None:
        """Count the bytes of a DATA frame, which is held until its `release`.

        Raises ConnectionFault if the window did not allow them.
        """
        self._left -= size
        if self._left < 0:
            raise ConnectionFault(FLOW_CONTROL_ERROR, "more content than the connection's window allows")
        self.unread += size
        self._worker.held += size
        self._received += size
        if self._left * 2 <= self._size:
            self._give_back()

    def release(self, size: int) -> None:
        """Note that received bytes have left the memory."""
        self.unread -= size
        self._worker.held -= size
        if self._left * 2 <= self._size:
            self._give_back()

    def _give_back(self) -> None:
        is_scarce = self._worker.held > self._worker.limit
        if self._received >= self._size and self._size < LARGEST_WINDOW and not is_scarce:
            self._size = min(2 * self._size, LARGEST_WINDOW)
            self._received = 0
        allowed = DEFAULT_WINDOW if is_scarce else self.limit
        target = min(self._size, allowed - self.unread)
        # Updates by a few bytes each would cost more than they bring.
        if target >= DEFAULT_FRAME_SIZE and self._left * 2 <= target:
            self._output.write(window_frame(0, target - self._left))
            self._left = target

    def take_growth(self, wanted: int) -> int:
        """Return by how much the window of a stream may grow."""
        if self._worker.held > self._worker.limit:
            return 0
        growth = min(wanted, self._growth_left)
        self._growth_left -= growth
        return growth

    def give_growth(self, growth: int) -> None:
        """Take back the growth of a stream that has ended."""
        self._growth_left += growth
