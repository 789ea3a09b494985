"""OTLP's partial success, over HTTP and gRPC."""

import gzip
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from proxy.telemetry.tracing.delivery import Delivery
from proxy.telemetry.tracing.grpc_sender import GrpcSender
from proxy.telemetry.tracing.http_sender import HttpSender
from proxy.telemetry.tracing.partial_success import MAX_RESPONSE_BYTES, parse_response
from rondpoint.settings.tree.tracing import OtlpGrpc, OtlpHttp
from tests.lab.origin import Start, http_response
from tests.lab.store import Store
from tests.proxy.running import running_proxy
from tests.proxy.scraping import wait_for_scrape
from tests.proxy.telemetry.collector import Collector
from tests.proxy.telemetry.grpc_collector import GrpcCollector

DROPPED = "rondpoint_tracing_dropped_spans_total"
NOTHING = gzip.compress(ExportTraceServiceRequest().SerializeToString())


def partial(rejected: int, message: str) -> ExportTraceServiceResponse:
    return ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    )


RESPONSES = [
    (ExportTraceServiceResponse(), Delivery()),
    (partial(0, ""), Delivery()),
    (partial(2, "too old"), Delivery(rejected=2, warning="too old")),
    (partial(0, "soon to go"), Delivery(warning="soon to go")),
    (partial(-1, ""), Delivery()),
]


@pytest.mark.parametrize(("response", "delivery"), RESPONSES)
def test_a_response_over_http_is_parsed(response: ExportTraceServiceResponse, delivery: Delivery) -> None:
    with Collector() as collector:
        collector.responses.append(response.SerializeToString())
        assert HttpSender(OtlpHttp(endpoint=collector.url)).send(NOTHING) == delivery


@pytest.mark.parametrize(("response", "delivery"), RESPONSES)
def test_a_response_over_grpc_is_parsed(response: ExportTraceServiceResponse, delivery: Delivery) -> None:
    with GrpcCollector() as collector:
        collector.responses.append(response)
        sender = GrpcSender(OtlpGrpc(endpoint=f"127.0.0.1:{collector.port}", insecure=True))
        assert sender.send(NOTHING) == delivery
        sender.close()


@pytest.mark.parametrize("response", [b"", b"\xff\xff", b"\n\x04\x12\x02\xff\xff"])
def test_a_malformed_response_is_ignored(response: bytes) -> None:
    assert parse_response(response) == Delivery()


def test_an_oversized_response_is_ignored() -> None:
    assert parse_response(partial(2, "x" * MAX_RESPONSE_BYTES).SerializeToString()) == Delivery()
    with GrpcCollector() as collector:
        collector.responses.append(partial(2, "x" * (1 << 20)))
        sender = GrpcSender(OtlpGrpc(endpoint=f"127.0.0.1:{collector.port}", insecure=True))
        assert sender.send(NOTHING) == sender.send(NOTHING) == Delivery()
        sender.close()
    assert len(collector.peers) == 1


def test_a_response_of_another_content_type_is_ignored(origin: Start) -> None:
    collector = origin(http_response(partial(2, "too old").SerializeToString()))
    sender = HttpSender(OtlpHttp(endpoint=f"http://127.0.0.1:{collector.port}"))
    assert sender.send(NOTHING) == Delivery()


def test_rejected_spans_count_as_dropped_and_each_reason_is_logged_once(
    store: Store, short_path: Path, origin: Start
) -> None:
    results = [partial(1, "too old"), partial(1, "too old"), partial(0, "soon to\ngo"), partial(7, "")]
    with Collector() as collector:
        collector.responses += [each.SerializeToString() for each in results]
        flags = (f"--tracing.otlp.http.endpoint={collector.url}", "--metrics.prometheus")
        with running_proxy(short_path, store, *flags) as proxy:
            host = proxy.route(origin(http_response(b"hello")))
            for number in range(len(results)):
                proxy.get(host, f"/request{number}")
                collector.spans_of(f"/request{number}")
            # A request has two spans, so the collector can reject at most two of each.
            wait_for_scrape(proxy.admin, lambda now: now.sum(DROPPED) == 4, "the spans dropped")
            proxy.process.wait_for_line("rejects spans, they are lost: it gives no reason")
    log = proxy.process.log
    assert log.count("rejects spans, they are lost: too old") == 1
    assert log.count(r"accepts all spans, but warns: soon to\ngo") == 1
    assert "does not accept traces" not in log
    assert "Traceback" not in log
