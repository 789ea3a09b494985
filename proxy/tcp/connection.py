"""The connection of a client, from its first byte to its end, as a TCP router takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.net.stream import Stream
    from proxy.tcp.relay import Relay


class TcpConnection:
    """A client's connection.

    It `waits` until its first bytes have arrived. Afterwards it goes on until the grace time ends, like a
    tunnel: nobody knows where in its protocol it could end. `relay` moves its bytes once a server is there.
    """

    __slots__ = ("relay", "stream", "waits")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.waits = False
        self.relay: Relay | None = None

    def drain(self, idle_end: float) -> None:
        """End at `idle_end` (monotonic seconds) unless first bytes arrive until then, or have arrived."""
        if self.waits:
            self.stream.deadline = min(self.stream.deadline, idle_end)

    def end(self) -> None:
        """End both directions now."""
        if self.relay is None:
            self.stream.expire()
        else:
            self.relay.end()
