"""A traced request that is answered, with all that a collector is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from proxy.telemetry.tracing.trace import Trace


class TracedRequest(NamedTuple):
    """`duration` in nanoseconds; `received` are bytes of the body; heads are without a final CRLF pair."""

    trace: Trace
    duration: int
    entry_point: str
    tls: str
    peer: str
    port: int
    router: str
    service: str
    status: int
    method: bytes
    target: bytes
    host: bytes
    version: int
    headers: bytes
    received: int
    sent_head: bytes = b""
    origin_head: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of what client and server have said."""
        return len(self.headers) + len(self.target) + len(self.sent_head) + len(self.origin_head)
