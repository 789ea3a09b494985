"""A completed sampled request, with all values that its spans need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxy.http1.grpc_status import NO_GRPC_STATUS

if TYPE_CHECKING:
    from proxy.telemetry.tracing.trace import Trace


class TracedRequest(NamedTuple):
    """The values of a completed sampled request.

    `duration` is in nanoseconds; `received` are bytes of the body; heads are without their final CRLF pair.
    `grpc_status` is that of a gRPC call.
    """

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
    grpc_status: int = NO_GRPC_STATUS

    @property
    def size(self) -> int:
        """Bytes of target, headers and response heads."""
        return len(self.headers) + len(self.target) + len(self.sent_head) + len(self.origin_head)
