"""Spans of completed requests, made from values."""

from random import Random

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from proxy.telemetry.tracing.spans import Spans
from proxy.telemetry.tracing.trace import Trace
from proxy.telemetry.tracing.traced_request import TracedRequest
from rondpoint.settings import Tracing


def server_span(grpc_status: int) -> Span:
    trace = Trace(1, 2, Random(3))
    request = TracedRequest(
        *(trace, 5, "web", "", "192.0.2.1", 1, "r@x", "s@x", 200, b"POST", b"/a.B/C", b"a.test", 2, b"", 0),
        grpc_status=grpc_status,
    )
    (span,) = Spans(Tracing()).make_spans(request)
    return span


def attributes(span: Span) -> dict[str, object]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


@pytest.mark.parametrize(
    ("grpc_status", "error"),
    [(0, None), (5, None), (14, "UNAVAILABLE")],
    ids=["OK", "NOT_FOUND", "UNAVAILABLE"],
)
def test_the_span_of_a_grpc_call_has_its_status(grpc_status: int, error: str | None) -> None:
    span = server_span(grpc_status)
    found = attributes(span)
    assert found["rpc.grpc.status_code"] == grpc_status
    assert found.get("error.type") == error
    assert (span.status.code == Status.STATUS_CODE_ERROR) == bool(error)
    assert (found["http.response.status_code"], found["network.protocol.version"]) == (200, "2")


def test_other_spans_have_none() -> None:
    assert "rpc.grpc.status_code" not in attributes(server_span(-1))
