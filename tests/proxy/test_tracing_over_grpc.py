"""Traces of a running proxy, told to a collector that speaks OTLP over gRPC."""

import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import grpc
import pytest

from tests.lab.certificate import write_certificate
from tests.lab.origin import Connection, Origin, answer
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.scraping import scraped
from tests.proxy.telemetry.collector import attributes
from tests.proxy.telemetry.grpc_collector import GrpcCollector
from tests.proxy.telemetry.untraced import run_untraced
from tests.proxy.wire.client import Client

DROPPED = "rondpoint_tracing_dropped_spans_total"


def flags(collector: GrpcCollector, *more: str) -> tuple[str, ...]:
    endpoint = f"--tracing.otlp.grpc.endpoint=127.0.0.1:{collector.port}"
    return (endpoint, "--tracing.otlp.grpc.insecure", "--metrics.prometheus", *more)


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin(answer(b"hello")) as origin:
        yield origin


def ask(proxy: Proxy, host: str, count: int) -> float:
    """Requests of which no two are alike; the seconds that the slowest took."""
    slowest = 0.0
    with Client(proxy.web) as client:
        for _ in range(count):
            begun = time.monotonic()
            client.send(f"GET /{token_hex(200)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
            slowest = max(slowest, time.monotonic() - begun)
    return slowest


def test_a_collector_is_told_on_one_connection(store: Store, short_path: Path, server: Origin) -> None:
    header = "--tracing.otlp.grpc.headers.Authorization=Bearer secret"
    with GrpcCollector() as collector, running_proxy(short_path, store, *flags(collector, header)) as proxy:
        host = proxy.route(server)
        before = collector.quiet(proxy, host)
        for number in range(3):
            proxy.get(host, f"/told{number}")
            _, asked = collector.of(f"/told{number}")
            assert attributes(asked)["server.port"] == server.port
        assert collector.headers[-1]["authorization"] == "Bearer secret"
        assert collector.resources[-1]["service.name"] == "rondpoint"
        assert (len(collector.peers), collector.exports) == (1, before + 3)


def test_more_than_a_window_takes_is_told_in_pieces(store: Store, short_path: Path, server: Origin) -> None:
    # As small a window as gRPC's library has.
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024))
    with (
        GrpcCollector(options=options) as collector,
        running_proxy(short_path, store, *flags(collector)) as proxy,
    ):
        host = proxy.route(server)
        # What is random is not compressed: more than the 65,535 bytes that a connection begins with.
        ask(proxy, host, 900)
        until(lambda: len(collector.spans) >= 1800, "the spans of 900 requests")
    assert "Traceback" not in proxy.process.log


def test_over_tls_the_collectors_certificate_is_checked(
    store: Store, short_path: Path, server: Origin
) -> None:
    certificate = write_certificate(short_path / "own.pem")
    with GrpcCollector(certificate=certificate) as collector:
        endpoint = f"--tracing.otlp.grpc.endpoint=127.0.0.1:{collector.port}"
        with running_proxy(short_path, store, endpoint, f"--tracing.otlp.grpc.tls.ca={certificate}") as proxy:
            proxy.get(proxy.route(server), "/trusted")
            assert len(collector.of("/trusted")) == 2
        with running_proxy(short_path, store, endpoint) as proxy:
            proxy.get(proxy.route(server), "/distrusted")
            proxy.process.wait_for_line("certificate verify failed")
    assert not any(attributes(span).get("url.path") == "/distrusted" for span in collector.spans)


def test_a_collector_that_is_away_for_a_while_is_told_later(
    store: Store, short_path: Path, server: Origin
) -> None:
    with (
        GrpcCollector() as collector,
        running_proxy(short_path, store, *flags(collector)) as proxy,
    ):
        before = collector.quiet(proxy, host := proxy.route(server))
        collector.refusals += [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
        proxy.get(host, "/later")
        assert len(collector.of("/later")) == 2
        assert collector.exports == before + 3


def test_a_collector_that_was_started_anew_is_told_without_a_pause(
    store: Store, short_path: Path, server: Origin
) -> None:
    with GrpcCollector() as collector, running_proxy(short_path, store, *flags(collector)) as proxy:
        host = proxy.route(server)
        proxy.get(host, "/before")
        collector.of("/before")
        collector.stop()
        collector.start()
        proxy.get(host, "/after")
        assert len(collector.of("/after")) == 2
        assert len(collector.peers) == 2
    assert "does not accept traces" not in proxy.process.log


def test_what_is_refused_for_good_is_dropped_and_complained_of_once(
    store: Store, short_path: Path, server: Origin
) -> None:
    with (
        GrpcCollector(*[grpc.StatusCode.PERMISSION_DENIED] * 100) as collector,
        running_proxy(short_path, store, *flags(collector)) as proxy,
    ):
        host = proxy.route(server)
        # Requests by which the route was waited for are traced too.
        for _ in range(2):
            before = collector.exports
            proxy.get(host)
            until(lambda before=before: collector.exports > before, "a try")
        scraped(proxy.admin, lambda now: now.sum(DROPPED) >= 4, "the spans dropped")
    assert proxy.process.log.count("does not accept traces") == 1
    assert "gRPC's code 7 not now, in 50 % of cases" in proxy.process.log
    assert "Traceback" not in proxy.process.log


def silent(connection: Connection) -> None:
    """Takes what it is sent, and never answers."""
    while connection.read() is not None:
        continue


@pytest.mark.parametrize("collector", [silent, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_requests_go_on_whatever_answers_there(
    store: Store, short_path: Path, server: Origin, collector: object
) -> None:
    with Origin(collector) as other:
        endpoint = f"--tracing.otlp.grpc.endpoint=127.0.0.1:{other.port}"
        with running_proxy(short_path, store, endpoint, "--tracing.otlp.grpc.insecure") as proxy:
            host = proxy.route(server)
            ask(proxy, host, 100)
            assert ask(proxy, host, 300) < 8
    assert "Traceback" not in proxy.process.log


def test_without_what_http_2_takes_nothing_is_traced_and_that_is_said(
    store: Store, short_path: Path, processes: Processes
) -> None:
    # Hides the real one.
    (short_path / "hidden").mkdir()
    (short_path / "hidden" / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'h2':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    run_untraced(processes, store, short_path, "--tracing.otlp.grpc", short_path / "hidden")
