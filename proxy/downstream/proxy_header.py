"""Reads the PROXY protocol header before the first request of a connection."""

from __future__ import annotations

from proxy.net.deadlines import NEVER, after
from proxy.net.proxy_protocol import ProxyHeader, parse_header
from proxy.net.stream import Stream


class ProxyHeaderReader:
    """A connection that waits for its PROXY header; `idle` until its first byte arrives."""

    __slots__ = ("idle", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.idle = True

    def drain(self, idle_end: float) -> None:
        """End at `idle_end` (monotonic seconds) unless the header has begun until then."""
        if self.idle:
            self.stream.deadline = min(self.stream.deadline, idle_end)

    def read(self, timeout: float) -> tuple[ProxyHeader, bytes] | None:
        """Return the header, which is empty if there is none, and the bytes after it.

        Return None if the connection ends before. The header must arrive within `timeout` seconds, 0 for no
        limit. Raises ProxyProtocolError.
        """
        stream = self.stream
        stream.deadline = after(timeout)
        data = b""
        while (header := parse_header(data)) is None:
            try:
                more = stream.recv()
            except OSError:
                return None
            if not more:
                return None
            self.idle = False
            data += more
        stream.deadline = NEVER
        return header, data[header.size :]
