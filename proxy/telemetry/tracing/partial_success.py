"""What a collector says of a batch that it took: that spans of it were rejected, or a warning.

Of OTLP: "partial success", which is answered with a status of success and must not be sent again.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from proxy.telemetry.tracing.delivery import Delivery

MAX_RESPONSE_BYTES = 64 << 10
"""Of an answer that is looked at; a longer one tells nothing."""

_MAX_WARNING_CHARACTERS = 500


def parse_response(answer: bytes) -> Delivery:
    """From the ExportTraceServiceResponse in an answer of success; what is none counts as an empty one."""
    if not answer or len(answer) > MAX_RESPONSE_BYTES:
        return Delivery()
    try:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
    except DecodeError:
        return Delivery()
    return Delivery(
        rejected=max(0, partial.rejected_spans), warning=partial.error_message[:_MAX_WARNING_CHARACTERS]
    )
