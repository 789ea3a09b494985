"""Requests to the admin entry point in metrics, logs and traces, and `/metrics` on a web entry point."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab import http
from tests.lab.origin import Origin, http_response
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.scraping import scrape, wait_for_scrape
from tests.proxy.telemetry.collector import Collector, attributes
from tests.proxy.wire.client import Client


class Observed:
    def __init__(self, proxy: Proxy, collector: Collector, log: Path) -> None:
        self.proxy = proxy
        self.collector = collector
        self.log = log


@pytest.fixture(scope="module")
def shared() -> Iterator[Observed]:
    with TemporaryDirectory(prefix="rp-") as name, Collector() as collector:
        directory = Path(name)
        log = directory / "access.json"
        flags = (
            "--metrics.prometheus.addRoutersLabels",
            "--metrics.prometheus.entryPoint=web",
            "--metrics.addInternals",
            "--accessLog.format=json",
            f"--accessLog.filePath={log}",
            "--accessLog.addInternals",
            f"--tracing.otlp.http.endpoint={collector.url}",
            "--tracing.addInternals",
        )
        with Store(directory) as store, running_proxy(directory, store, *flags) as proxy:
            yield Observed(proxy, collector, log)


@pytest.fixture
def observed(shared: Observed) -> Iterator[Observed]:
    for _ in watched(shared.proxy):
        yield shared


def test_requests_to_api_and_ping_are_counted_logged_and_traced(observed: Observed) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "User-Agent": "probe"}
    assert http.request(observed.proxy.admin, "localhost", "/ping?a=b", headers=headers).status == 200
    assert http.request(observed.proxy.admin, "localhost", "/api/nothing").status == 404
    total = "traefik_router_requests_total"
    found = wait_for_scrape(
        observed.proxy.admin, lambda now: bool(now.sum(total, router="api@internal")), "the requests counted"
    )
    ping = {"router": "ping@internal", "service": "ping@internal", "code": "200"}
    assert found.sum(total, **ping) == 1
    assert found.sum(total, router="api@internal", code="404") == 1
    assert found.sum("traefik_entrypoint_requests_total", entrypoint="traefik") >= 2
    (span,) = observed.collector.spans_of("/ping")
    assert (span.trace_id.hex(), attributes(span)["traefik.router.name"]) == (trace, "ping@internal")
    (line,) = until(
        lambda: [line for line in json_lines(observed.log) if line["RequestPath"] == "/ping?a=b"], "a line"
    )
    assert (line["RouterName"], line["entryPointName"], line["DownstreamStatus"]) == (
        "ping@internal",
        "traefik",
        200,
    )
    assert (line["trace_id"], line["request_User-Agent"]) == (trace, "probe")


def test_a_web_entry_point_serves_metrics_before_all_routers(observed: Observed) -> None:
    with Origin(http_response(b"hello")) as origin:
        host = observed.proxy.route(origin, rule="PathPrefix(`/`)")
        assert scrape(observed.proxy.web).sum("rondpoint_instances") == 1
        assert observed.proxy.get(host, "/metricsx") == "hello"


def test_the_connection_stays_open_after_metrics(observed: Observed) -> None:
    with Origin(http_response(b"hello")) as origin, Client(observed.proxy.web) as client:
        host = observed.proxy.route(origin)
        client.send(b"GET /metrics?scope=installation HTTP/1.1\r\nHost: x\r\n\r\n")
        first = client.answer()
        assert (first.status, first.header("Connection")) == (200, None)
        assert b'rondpoint_instance="' in first.body
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().body == b"hello"


def test_metrics_allow_only_get_and_head(observed: Observed) -> None:
    assert http.request(observed.proxy.web, "x", "/metrics", method="POST", body=b"x").status == 405
    response = http.request(observed.proxy.web, "x", "/metrics", method="HEAD")
    assert (response.status, response.body) == (200, b"")
