"""The bytes ahead of the first request on a connection whose peer may speak for another (PROXY protocol)."""

from __future__ import annotations

from proxy.net.deadlines import NEVER, after
from proxy.net.proxy_protocol import parse_header
from proxy.net.stream import Stream


class Preamble:
    """A connection that waits for its PROXY header; `idle` until the first byte of it has come."""

    __slots__ = ("idle", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.idle = True

    def read(self, timeout: float) -> tuple[str | None, bytes] | None:
        """The client's address, if a header names one, and the bytes behind it.

        None when the connection ended before. The header has `timeout` seconds to arrive, 0 for any time.
        Raises ProxyProtocolError.
        """
        stream = self.stream
        stream.deadline = after(timeout)
        data = b""
        while (told := parse_header(data)) is None:
            try:
                more = stream.recv()
            except OSError:
                return None
            if not more:
                return None
            self.idle = False
            data += more
        stream.deadline = NEVER
        return told.source, data[told.size :]
