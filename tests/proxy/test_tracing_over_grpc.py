"""Traces of a running proxy, sent to a collector by OTLP over gRPC."""

import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import grpc
import pytest

from tests.lab.certificate import write_certificate
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.scraping import wait_for_scrape
from tests.proxy.telemetry.collector import attributes
from tests.proxy.telemetry.grpc_collector import GrpcCollector
from tests.proxy.wire.client import Client

DROPPED = "rondpoint_tracing_dropped_spans_total"


def flags(collector: GrpcCollector, *more: str) -> tuple[str, ...]:
    endpoint = f"--tracing.otlp.grpc.endpoint=127.0.0.1:{collector.port}"
    return (endpoint, "--tracing.otlp.grpc.insecure", "--metrics.prometheus", *more)


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin(http_response(b"hello")) as origin:
        yield origin


def send_requests(proxy: Proxy, host: str, count: int) -> float:
    """Send `count` different requests; return the duration of the slowest in seconds."""
    slowest = 0.0
    with Client(proxy.web) as client:
        for _ in range(count):
            begun = time.monotonic()
            client.send(f"GET /{token_hex(200)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
            slowest = max(slowest, time.monotonic() - begun)
    return slowest


def test_exports_use_one_connection(store: Store, short_path: Path, server: Origin) -> None:
    header = "--tracing.otlp.grpc.headers.Authorization=Bearer secret"
    with GrpcCollector() as collector, running_proxy(short_path, store, *flags(collector, header)) as proxy:
        host = proxy.route(server)
        before = collector.quiet(proxy, host)
        for number in range(3):
            proxy.get(host, f"/told{number}")
            _, server_span = collector.spans_of(f"/told{number}")
            assert attributes(server_span)["server.port"] == server.port
        assert collector.headers[-1]["authorization"] == "Bearer secret"
        assert collector.resources[-1]["service.name"] == "rondpoint"
        assert (len(collector.peers), collector.exports) == (1, before + 3)


def test_an_export_larger_than_the_window_is_sent_in_pieces(
    store: Store, short_path: Path, server: Origin
) -> None:
    # The smallest window that gRPC's library permits.
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024))
    with (
        GrpcCollector(options=options) as collector,
        running_proxy(short_path, store, *flags(collector)) as proxy,
    ):
        host = proxy.route(server)
        # Random data does not compress: the export exceeds the initial window of 65,535 bytes.
        send_requests(proxy, host, 900)
        until(lambda: len(collector.spans) >= 1800, "the spans of 900 requests")
    assert "Traceback" not in proxy.process.log


def test_the_collectors_tls_certificate_is_verified(store: Store, short_path: Path, server: Origin) -> None:
    certificate = write_certificate(short_path / "own.pem")
    with GrpcCollector(certificate=certificate) as collector:
        endpoint = f"--tracing.otlp.grpc.endpoint=127.0.0.1:{collector.port}"
        with running_proxy(short_path, store, endpoint, f"--tracing.otlp.grpc.tls.ca={certificate}") as proxy:
            proxy.get(proxy.route(server), "/trusted")
            assert len(collector.spans_of("/trusted")) == 2
        with running_proxy(short_path, store, endpoint) as proxy:
            proxy.get(proxy.route(server), "/distrusted")
            proxy.process.wait_for_line("certificate verify failed")
    assert not any(attributes(span).get("url.path") == "/distrusted" for span in collector.spans)


def test_spans_are_sent_again_while_the_collector_is_unavailable(
    store: Store, short_path: Path, server: Origin
) -> None:
    with (
        GrpcCollector() as collector,
        running_proxy(short_path, store, *flags(collector)) as proxy,
    ):
        before = collector.quiet(proxy, host := proxy.route(server))
        collector.refusals += [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
        proxy.get(host, "/later")
        assert len(collector.spans_of("/later")) == 2
        assert collector.exports == before + 3


def test_a_restarted_collector_gets_spans_without_a_pause(
    store: Store, short_path: Path, server: Origin
) -> None:
    with GrpcCollector() as collector, running_proxy(short_path, store, *flags(collector)) as proxy:
        host = proxy.route(server)
        proxy.get(host, "/before")
        collector.spans_of("/before")
        collector.stop()
        collector.start()
        proxy.get(host, "/after")
        assert len(collector.spans_of("/after")) == 2
        assert len(collector.peers) == 2
    assert "does not accept traces" not in proxy.process.log


def test_spans_refused_for_good_are_dropped_and_logged_once(
    store: Store, short_path: Path, server: Origin
) -> None:
    with (
        GrpcCollector(*[grpc.StatusCode.PERMISSION_DENIED] * 100) as collector,
        running_proxy(short_path, store, *flags(collector)) as proxy,
    ):
        host = proxy.route(server)
        # The requests that waited for the route are traced too.
        for _ in range(2):
            before = collector.exports
            proxy.get(host)
            until(lambda before=before: collector.exports > before, "a try")
        wait_for_scrape(proxy.admin, lambda now: now.sum(DROPPED) >= 4, "the spans dropped")
    assert proxy.process.log.count("does not accept traces") == 1
    assert "gRPC code 7 not now, in 50 % of cases" in proxy.process.log
    assert "Traceback" not in proxy.process.log


def silent(connection: Connection) -> None:
    """Receive and never respond."""
    while connection.read() is not None:
        continue


@pytest.mark.parametrize("collector", [silent, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_requests_are_served_whatever_the_collector_does(
    store: Store, short_path: Path, server: Origin, collector: object
) -> None:
    with Origin(collector) as other:
        endpoint = f"--tracing.otlp.grpc.endpoint=127.0.0.1:{other.port}"
        with running_proxy(short_path, store, endpoint, "--tracing.otlp.grpc.insecure") as proxy:
            host = proxy.route(server)
            send_requests(proxy, host, 100)
            assert send_requests(proxy, host, 300) < 8
    assert "Traceback" not in proxy.process.log
