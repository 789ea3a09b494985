"""Traces of a running proxy, sent to a collector by OTLP over HTTP."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from rondpoint.model import Middleware, RouterObservability
from tests.lab import http
from tests.lab.http2.client import Client as Http2Client
from tests.lab.origin import Connection, Origin, Start, http_response
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.scraping import wait_for_scrape
from tests.proxy.telemetry.collector import Collector, attributes
from tests.proxy.telemetry.untraced import run_untraced
from tests.proxy.wire.client import Client

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Traced:
    """A proxy and its collector; a second entry point is not traced."""

    def __init__(self, proxy: Proxy, collector: Collector, untraced: int, log: Path) -> None:
        self.proxy = proxy
        self.collector = collector
        self.untraced = untraced
        self.log = log


@pytest.fixture(scope="module")
def shared() -> Iterator[Traced]:
    with TemporaryDirectory(prefix="rp-") as name, Collector() as collector:
        directory, untraced = Path(name), free_port()
        log = directory / "access.json"
        flags = (
            f"--tracing.otlp.http.endpoint={collector.url}",
            "--tracing.otlp.http.headers.Authorization=Bearer secret",
            "--tracing.serviceName=edge",
            "--tracing.resourceAttributes.deployment.environment=test",
            "--tracing.capturedRequestHeaders=X-Tenant",
            "--tracing.capturedResponseHeaders=X-Made-By",
            "--tracing.safeQueryParams=page",
            f"--entryPoints.untraced.address=127.0.0.1:{untraced}",
            "--entryPoints.untraced.observability.tracing=false",
            "--accessLog.format=json",
            f"--accessLog.filePath={log}",
        )
        with Store(directory) as store, running_proxy(directory, store, *flags) as proxy:
            yield Traced(proxy, collector, untraced, log)


@pytest.fixture
def traced(shared: Traced) -> Iterator[Traced]:
    for _ in watched(shared.proxy):
        yield shared


def echo_context(connection: Connection) -> None:
    """Respond with the trace context headers of the request."""
    while (request := connection.read()) is not None:
        named = {name.lower(): value for name, value in request.headers}
        body = f"{named.get('traceparent', '')} {named.get('tracestate', '')}".encode()
        connection.send(
            b"HTTP/1.1 200 OK\r\nX-Made-By: origin\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )


def test_a_request_has_a_span_at_the_entry_point_and_one_at_the_server(traced: Traced, origin: Start) -> None:
    server = origin(echo_context)
    host = traced.proxy.route(server)
    headers = {"User-Agent": "curl", "X-Tenant": "blue"}
    response = http.request(
        traced.proxy.web, f"{host}:99", "/spans?page=2&token=x", method="POST", headers=headers, body=b"12345"
    )
    entry, server_span = traced.collector.spans_of("/spans")
    trace_id = entry.trace_id.hex()
    assert response.text == f"00-{trace_id}-{server_span.span_id.hex()}-01"
    assert (entry.name, entry.kind, entry.parent_span_id) == ("POST", Span.SPAN_KIND_SERVER, b"")
    assert (server_span.name, server_span.kind, server_span.trace_id) == (
        "POST",
        Span.SPAN_KIND_CLIENT,
        entry.trace_id,
    )
    name = host.split(".")[0]
    found = attributes(entry)
    assert found.pop("client.port") == found.pop("network.peer.port") > 0
    assert found == {
        "http.request.method": "POST",
        "url.path": "/spans",
        "url.query": "page=2&token=REDACTED",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "server.address": host,
        "server.port": 99,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "http.request.body.size": 5,
        "http.response.status_code": 200,
        "user_agent.original": "curl",
        "http.request.header.x-tenant": ["blue"],
        "http.response.header.x-made-by": ["origin"],
        "entry_point": "web",
        "traefik.router.name": name,
        "traefik.service.name": name,
    }
    assert attributes(server_span) == {
        "http.request.method": "POST",
        "url.full": f"http://127.0.0.1:{server.port}/spans?page=2&token=REDACTED",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": server.port,
        "http.response.status_code": 200,
        "user_agent.original": "curl",
        "http.request.header.x-tenant": ["blue"],
        "http.response.header.x-made-by": ["origin"],
        "traefik.service.name": name,
    }
    assert entry.start_time_unix_nano <= server_span.start_time_unix_nano <= server_span.end_time_unix_nano
    assert abs(entry.start_time_unix_nano - time.time_ns()) < 60e9
    assert entry.status.code == server_span.status.code == Status.STATUS_CODE_UNSET


def test_streams_of_a_connection_have_traces_of_their_own(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(echo_context)).encode()
    with Http2Client(traced.proxy.web) as client:
        client.start()
        numbers = [client.request(b"/stream%d" % number, authority=host) for number in range(3)]
        contexts = [bytes(client.wait_for(number).content).decode() for number in numbers]
    for number, context in enumerate(contexts):
        entry, server_span = traced.collector.spans_of(f"/stream{number}")
        assert context == f"00-{entry.trace_id.hex()}-{server_span.span_id.hex()}-01 "
        assert attributes(entry)["network.protocol.version"] == "2"
        assert attributes(entry)["http.response.status_code"] == 200
    assert len(set(contexts)) == 3


def test_the_collector_gets_the_resource_attributes(traced: Traced, origin: Start) -> None:
    traced.proxy.get(traced.proxy.route(origin(echo_context)), "/who")
    traced.collector.spans_of("/who")
    assert set(traced.collector.paths) == {"/v1/traces"}
    assert traced.collector.headers[-1]["Authorization"] == "Bearer secret"
    resource = traced.collector.resources[-1]
    assert (resource["service.name"], resource["deployment.environment"]) == ("edge", "test")
    assert re.fullmatch(r".+-[0-9a-f]{6}", resource["service.instance.id"])
    assert "telemetry.sdk.name" in resource


def test_a_request_continues_the_clients_trace(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(echo_context))
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1"}
    response = http.request(traced.proxy.web, host, "/goes-on", headers=headers)
    entry, server_span = traced.collector.spans_of("/goes-on")
    assert (entry.trace_id.hex(), entry.parent_span_id.hex(), entry.trace_state) == (TRACE, SPAN, "a=1")
    assert response.text == f"00-{TRACE}-{server_span.span_id.hex()}-01 a=1"


def test_a_trace_that_the_client_did_not_sample_is_passed_on_and_not_exported(
    traced: Traced, origin: Start
) -> None:
    host = traced.proxy.route(origin(echo_context))
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    response = http.request(traced.proxy.web, host, "/unsampled", headers=headers)
    assert re.fullmatch(rf"00-{TRACE}-(?!{SPAN})[0-9a-f]{{16}}-00", response.text)
    traced.proxy.get(host, "/sampled")
    traced.collector.spans_of("/sampled")
    assert not any(attributes(span).get("url.path") == "/unsampled" for span in traced.collector.spans)


def test_the_access_log_contains_the_trace_ids(traced: Traced, origin: Start) -> None:
    traced.proxy.get(traced.proxy.route(origin(echo_context)), "/logged")
    entry, _ = traced.collector.spans_of("/logged")
    (line,) = until(
        lambda: [line for line in json_lines(traced.log) if line["RequestPath"] == "/logged"], "a line"
    )
    assert (line["trace_id"], line["span_id"]) == (entry.trace_id.hex(), entry.span_id.hex())


def test_a_malformed_request_has_no_trace(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(echo_context))
    with Client(traced.proxy.web) as client:
        client.send(f"GET /right HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().status == 200
        client.send(b"GET /wrong HTTP/1.1\r\n\r\n")
        assert client.answer().status == 400

    def found() -> list[dict[str, object]]:
        lines = json_lines(traced.log)
        return [line for line in lines if line["RequestMethod"] == "-"]

    (line,) = until(found, "the line of the malformed request")
    assert not {"trace_id", "TraceId", "span_id", "SpanId"} & line.keys()


def spans_of_two_servers(traced: Traced, host: str, name: str) -> list[Span]:
    """Send four requests; return the server spans, in order, of one that was tried on both servers."""
    # Four requests reach each server first at least once, even if tickets are late.
    for number in range(4):
        traced.proxy.get(host, f"/{name}{number}")
    of_all = [traced.collector.spans_of(f"/{name}{number}") for number in range(4)]
    assert {len(spans) for spans in of_all} == {2, 3}
    spans = next(spans for spans in of_all if len(spans) == 3)
    return sorted(spans[1:], key=lambda span: span.start_time_unix_nano)


def test_a_response_that_led_to_a_retry_has_a_span_with_its_status(traced: Traced, origin: Start) -> None:
    traced.proxy.middlewares["again"] = Middleware("again", "retry", {"attempts": 2, "status": ["503"]})
    failing, well = origin(http_response(b"no", status="503 Service Unavailable")), origin(echo_context)
    host = traced.proxy.route(failing, well, middlewares=("again",))
    refused, taken = spans_of_two_servers(traced, host, "again")
    assert attributes(refused)["server.port"] == failing.port
    assert attributes(refused)["http.response.status_code"] == 503
    assert attributes(refused)["error.type"] == "503"
    assert "http.response.header.x-made-by" not in attributes(refused)
    assert attributes(taken)["http.response.status_code"] == 200
    assert attributes(taken)["http.response.header.x-made-by"] == ["origin"]
    assert refused.end_time_unix_nano <= taken.start_time_unix_nano


def test_a_response_of_the_proxy_has_no_server_span(traced: Traced) -> None:
    assert traced.proxy.status("nobody.test", "/nobody") == 404
    (entry,) = traced.collector.spans_of("/nobody")
    assert attributes(entry)["http.response.status_code"] == 404
    assert entry.status.code == Status.STATUS_CODE_UNSET


def test_an_unreachable_server_has_a_span_too(traced: Traced, origin: Start) -> None:
    port = free_port()
    host = traced.proxy.route(port, origin(echo_context))
    failed, server_span = spans_of_two_servers(traced, host, "retried")
    assert attributes(failed)["server.port"] == port
    assert attributes(failed)["error.type"] == "_OTHER"
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert attributes(server_span)["http.request.resend_count"] == 1
    assert attributes(server_span)["http.response.status_code"] == 200
    assert failed.end_time_unix_nano <= server_span.start_time_unix_nano


def test_a_server_error_marks_both_spans_as_errors(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(http_response(b"no", status="503 Service Unavailable")))
    assert traced.proxy.status(host, "/error") == 503
    for span in traced.collector.spans_of("/error"):
        assert attributes(span)["error.type"] == "503"
        assert span.status.code == Status.STATUS_CODE_ERROR


def test_an_unknown_method_is_not_used_as_span_name(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(echo_context))
    http.request(traced.proxy.web, host, "/made-up", method="BREW")
    entry, _ = traced.collector.spans_of("/made-up")
    assert entry.name == "HTTP"
    assert attributes(entry)["http.request.method"] == "_OTHER"
    assert attributes(entry)["http.request.method_original"] == "BREW"


def test_each_request_on_a_connection_has_its_own_trace(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(echo_context))
    with Client(traced.proxy.web) as client:
        for number in range(3):
            client.send(f"GET /kept{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
    assert len({traced.collector.spans_of(f"/kept{number}")[0].trace_id for number in range(3)}) == 3


def test_each_request_on_a_connection_is_sampled_separately(traced: Traced, origin: Start) -> None:
    server = origin(echo_context)
    host = traced.proxy.route(server)
    with Client(traced.proxy.web) as client:
        for number, flags in enumerate(("01", "00", "00", "01")):
            parent = f"traceparent: 00-{TRACE}-{SPAN}-{flags}"
            client.send(f"GET /each{number} HTTP/1.1\r\nHost: {host}\r\n{parent}\r\n\r\n".encode())
            assert client.answer().body.strip().endswith(f"-{flags}".encode())
    for number in (0, 3):
        entry, server_span = traced.collector.spans_of(f"/each{number}")
        assert server_span.parent_span_id == entry.span_id
        assert attributes(server_span)["server.port"] == server.port
        assert attributes(server_span)["http.response.status_code"] == 200
    paths = {attributes(span).get("url.path") for span in traced.collector.spans}
    assert not paths & {"/each1", "/each2"}


def test_an_untraced_entry_point_forwards_the_trace_context_unchanged(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(echo_context))
    assert http.request(traced.untraced, host, "/untraced").text == ""
    headers = {"traceparent": "as it is", "tracestate": "b=2"}
    assert http.request(traced.untraced, host, "/untraced", headers=headers).text == "as it is b=2"
    traced.proxy.get(host, "/traced")
    traced.collector.spans_of("/traced")
    assert not any(attributes(span).get("url.path") == "/untraced" for span in traced.collector.spans)


def test_an_untraced_router_forwards_the_trace_context_unchanged(traced: Traced, origin: Start) -> None:
    silent = RouterObservability(tracing=False)
    host = traced.proxy.route(origin(echo_context), observability=silent)
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "b=2"}
    response = http.request(traced.proxy.web, host, "/silent", headers=headers)
    assert response.text == f"00-{TRACE}-{SPAN}-01 b=2"
    nowhere = traced.proxy.route(observability=silent)
    assert traced.proxy.status(nowhere, "/silent") == 503
    traced.proxy.get(traced.proxy.route(origin(echo_context)), "/spoken")
    traced.collector.spans_of("/spoken")
    assert not any(attributes(span).get("url.path") == "/silent" for span in traced.collector.spans)

    def lines() -> list[dict[str, object]]:
        return [line for line in json_lines(traced.log) if line["RequestPath"] == "/silent"]

    until(lambda: len(lines()) == 2, "two lines")
    assert not any("trace_id" in line for line in lines())


def test_a_router_can_be_traced_on_an_untraced_entry_point(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(echo_context), observability=RouterObservability(tracing=True))
    other = traced.proxy.route(origin(echo_context))
    headers = {"traceparent": "as it is"}
    assert http.request(traced.untraced, other, "/other", headers=headers).text == "as it is"
    response = http.request(traced.untraced, host, "/asked-for", headers=headers)
    entry, server_span = traced.collector.spans_of("/asked-for")
    assert response.text.strip() == f"00-{entry.trace_id.hex()}-{server_span.span_id.hex()}-01"
    assert not any(attributes(span).get("url.path") == "/other" for span in traced.collector.spans)


def test_detailed_traces_have_spans_of_router_middlewares_and_service(traced: Traced, origin: Start) -> None:
    traced.proxy.middlewares["strip"] = Middleware("strip", "stripPrefix", {"prefixes": ["/in"]})
    detailed = RouterObservability(trace_verbosity="detailed")
    host = traced.proxy.route(origin(echo_context), observability=detailed, middlewares=("strip",))
    traced.proxy.get(host, "/in/detail")
    entry = traced.collector.spans_of("/in/detail")[0]
    until(lambda: len(traced.collector.within(entry)) == 5, "5 spans")
    spans = {span.name: span for span in traced.collector.within(entry) if span is not entry}
    name = host.split(".")[0]
    assert {key: span.parent_span_id for key, span in spans.items()} == {
        "Router": entry.span_id,
        "stripPrefix": spans["Router"].span_id,
        "Service": spans["Router"].span_id,
        "GET": spans["Service"].span_id,
    }
    assert attributes(spans["Router"]) == {"traefik.router.name": name, "traefik.service.name": name}
    assert attributes(spans["stripPrefix"]) == {"traefik.middleware.name": "strip"}
    assert attributes(spans["Service"]) == {"traefik.service.name": name}
    assert spans["Router"].kind == spans["Service"].kind == Span.SPAN_KIND_INTERNAL
    # A router without detailed traces uses the same middleware.
    plain = traced.proxy.route(origin(echo_context), middlewares=("strip",))
    traced.proxy.get(plain, "/in/short")
    entry = traced.collector.spans_of("/in/short")[0]
    assert len(traced.collector.within(entry)) == 2


def test_spans_are_sent_again_while_the_collector_is_unavailable(
    store: Store, short_path: Path, origin: Start
) -> None:
    with (
        Collector() as collector,
        running_proxy(short_path, store, f"--tracing.otlp.http.endpoint={collector.url}") as proxy,
    ):
        before = collector.quiet(proxy, host := proxy.route(origin(echo_context)))
        collector.refusals += [503, 429]
        proxy.get(host, "/later")
        assert len(collector.spans_of("/later")) == 2
        assert collector.exports == before + 3


def test_a_collector_that_accepts_nothing_costs_no_request_and_is_logged_once(
    store: Store, short_path: Path, origin: Start
) -> None:
    with (
        Collector(*[400] * 100) as collector,
        running_proxy(
            short_path, store, f"--tracing.otlp.http.endpoint={collector.url}", "--metrics.prometheus"
        ) as proxy,
    ):
        host = proxy.route(origin(echo_context))
        # The requests that waited for the route are traced too.
        for _ in range(2):
            before = collector.exports
            proxy.get(host)
            until(lambda before=before: collector.exports > before, "a try")
        dropped = "rondpoint_tracing_dropped_spans_total"
        wait_for_scrape(proxy.admin, lambda now: now.sum(dropped) >= 4, "the spans dropped")
    assert proxy.process.log.count("does not accept traces") == 1
    assert "Traceback" not in proxy.process.log


def test_a_leaving_worker_exports_its_last_requests(store: Store, short_path: Path, origin: Start) -> None:
    with Collector() as collector:
        flag = f"--tracing.otlp.http.endpoint={collector.url}"
        with running_proxy(short_path, store, flag) as proxy:
            proxy.get(proxy.route(origin(echo_context)), "/last")
        assert len(collector.spans_of("/last")) == 2


def test_a_leaving_worker_finishes_an_export_in_progress(
    store: Store, short_path: Path, origin: Start
) -> None:
    with Collector() as collector:
        flag = f"--tracing.otlp.http.endpoint={collector.url}"
        with running_proxy(short_path, store, flag) as proxy:
            before = collector.quiet(proxy, host := proxy.route(origin(echo_context)))
            collector.pause = 1.0
            proxy.get(host, "/just-now")
            until(lambda: collector.exports > before, "the beginning")
        assert len(collector.spans_of("/just-now")) == 2


def test_requests_are_served_during_a_large_export(store: Store, short_path: Path, origin: Start) -> None:
    def slow(connection: Connection) -> None:
        """Receive everything and never respond."""
        while connection.read() is not None:
            continue

    with Origin(slow) as collector:
        flag = f"--tracing.otlp.http.endpoint=http://127.0.0.1:{collector.port}"
        with running_proxy(short_path, store, flag) as proxy:
            host = proxy.route(origin(echo_context))
            with Client(proxy.web) as client:
                for _ in range(600):
                    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                    assert client.answer().status == 200


def test_without_the_extra_nothing_is_traced_and_the_log_says_so(
    store: Store, short_path: Path, origin: Start, processes: Processes
) -> None:
    # An empty package that hides the real one.
    (short_path / "hidden" / "opentelemetry").mkdir(parents=True)
    (short_path / "hidden" / "opentelemetry" / "__init__.py").touch()
    web = run_untraced(processes, store, short_path, "--tracing", short_path / "hidden")
    until(lambda: http.request(web, "nobody.test").status in (404, 503), "a response")
