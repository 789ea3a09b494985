"""The output of a connection: bytes to send, and the streams that wait for window or memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from proxy.http2.errors import FLOW_CONTROL_ERROR, PROTOCOL_ERROR, ConnectionFault
from proxy.http2.frames import DEFAULT_FRAME_SIZE
from proxy.http2.settings import DEFAULT_WINDOW, MAX_WINDOW

OUTPUT_LIMIT = 1 << 17
"""Bytes of content that wait to be sent. Beyond them, streams wait."""
CONTROL_LIMIT = 1 << 20
"""Bytes to be sent, content included, beyond which a peer that reads nothing is cut off."""


class WaitingStream(Protocol):
    """A stream that could not send all."""

    send_window: int

    def resume(self) -> None:
        """Send more."""


class Output:
    """The bytes that a connection has to send; `has_output` is called when there are some after none.

    `queued` counts them. `window` is how much content the peer allows on all streams together. `waiting` are
    the streams that could not send all, in order.
    """

    __slots__ = ("_has_output", "_pieces", "queued", "waiting", "window")

    def __init__(self, has_output: Callable[[], None]) -> None:
        self._has_output = has_output
        self._pieces: list[bytes] = []
        self.queued = 0
        self.window = DEFAULT_WINDOW
        self.waiting: OrderedDict[WaitingStream, None] = OrderedDict()

    @property
    def space(self) -> int:
        """The bytes of content that may be queued now."""
        return OUTPUT_LIMIT - self.queued

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        if not self._pieces:
            self._has_output()
        self._pieces.append(data)
        self.queued += len(data)

    def take(self) -> bytes:
        """Return all bytes to send; `resume` is due once they have left."""
        pieces, self._pieces = self._pieces, []
        self.queued = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def resume(self) -> None:
        """Let streams that waited for memory or window go on, in turn, as far as there is some."""
        if not self.waiting:
            return
        left = min(self.window, self.space)
        for stream in list(self.waiting):
            if left <= 0:
                return
            if stream.send_window > 0:
                left -= min(stream.send_window, DEFAULT_FRAME_SIZE)
                del self.waiting[stream]
                stream.resume()

    def enlarge_window(self, increment: int) -> None:
        """Take a WINDOW_UPDATE for the connection (RFC 9113 §6.9). Raises ConnectionFault."""
        if not increment:
            raise ConnectionFault(PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
        self.window += increment
        if self.window > MAX_WINDOW:
            raise ConnectionFault(FLOW_CONTROL_ERROR, "the connection's window is too large")
