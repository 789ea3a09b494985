"""Parses OTLP's "partial success": a collector accepted a batch, but rejected spans of it or warns.

The response has a success status, and the batch must not be sent again.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from proxy.telemetry.tracing.delivery import Delivery

MAX_RESPONSE_BYTES = 64 << 10
"""Largest response in bytes that is parsed; larger ones are ignored."""

_MAX_WARNING_CHARACTERS = 500


def parse_response(content: bytes) -> Delivery:
    """Parse the ExportTraceServiceResponse of a successful export; treat other content as an empty one."""
    if not content or len(content) > MAX_RESPONSE_BYTES:
        return Delivery()
    try:
        partial = ExportTraceServiceResponse.FromString(content).partial_success
    except DecodeError:
        return Delivery()
    return Delivery(
        rejected=max(0, partial.rejected_spans), warning=partial.error_message[:_MAX_WARNING_CHARACTERS]
    )
