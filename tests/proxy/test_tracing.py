"""Traces of a running proxy, told to a collector that speaks OTLP over HTTP."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from rondpoint.model import Middleware, RouterObservability
from tests.lab import http
from tests.lab.origin import Connection, Origin, Start, answer
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.scraping import scraped
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


def told(connection: Connection) -> None:
    """Answers with what the request's head says of a trace."""
    while (request := connection.read()) is not None:
        named = {name.lower(): value for name, value in request.headers}
        body = f"{named.get('traceparent', '')} {named.get('tracestate', '')}".encode()
        connection.send(
            b"HTTP/1.1 200 OK\r\nX-Made-By: origin\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )


def test_a_request_has_a_span_at_the_entry_point_and_one_at_the_server(traced: Traced, origin: Start) -> None:
    server = origin(told)
    host = traced.proxy.route(server)
    headers = {"User-Agent": "curl", "X-Tenant": "blue"}
    response = http.request(
        traced.proxy.web, f"{host}:99", "/spans?page=2&token=x", method="POST", headers=headers, body=b"12345"
    )
    entry, asked = traced.collector.of("/spans")
    trace_id = entry.trace_id.hex()
    assert response.text == f"00-{trace_id}-{asked.span_id.hex()}-01"
    assert (entry.name, entry.kind, entry.parent_span_id) == ("POST", Span.SPAN_KIND_SERVER, b"")
    assert (asked.name, asked.kind, asked.trace_id) == ("POST", Span.SPAN_KIND_CLIENT, entry.trace_id)
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
    assert attributes(asked) == {
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
    assert entry.start_time_unix_nano <= asked.start_time_unix_nano <= asked.end_time_unix_nano
    assert abs(entry.start_time_unix_nano - time.time_ns()) < 60e9
    assert entry.status.code == asked.status.code == Status.STATUS_CODE_UNSET


def test_the_collector_is_told_who_speaks(traced: Traced, origin: Start) -> None:
    traced.proxy.get(traced.proxy.route(origin(told)), "/who")
    traced.collector.of("/who")
    assert set(traced.collector.paths) == {"/v1/traces"}
    assert traced.collector.headers[-1]["Authorization"] == "Bearer secret"
    resource = traced.collector.resources[-1]
    assert (resource["service.name"], resource["deployment.environment"]) == ("edge", "test")
    assert re.fullmatch(r".+-[0-9a-f]{6}", resource["service.instance.id"])
    assert "telemetry.sdk.name" in resource


def test_a_request_in_a_trace_goes_on_in_it(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(told))
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1"}
    response = http.request(traced.proxy.web, host, "/goes-on", headers=headers)
    entry, asked = traced.collector.of("/goes-on")
    assert (entry.trace_id.hex(), entry.parent_span_id.hex(), entry.trace_state) == (TRACE, SPAN, "a=1")
    assert response.text == f"00-{TRACE}-{asked.span_id.hex()}-01 a=1"


def test_what_others_have_not_sampled_is_passed_on_and_not_told(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(told))
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    response = http.request(traced.proxy.web, host, "/unsampled", headers=headers)
    assert re.fullmatch(rf"00-{TRACE}-(?!{SPAN})[0-9a-f]{{16}}-00", response.text)
    traced.proxy.get(host, "/sampled")
    traced.collector.of("/sampled")
    assert not any(attributes(span).get("url.path") == "/unsampled" for span in traced.collector.spans)


def test_the_log_names_the_trace(traced: Traced, origin: Start) -> None:
    traced.proxy.get(traced.proxy.route(origin(told)), "/logged")
    entry, _ = traced.collector.of("/logged")
    (line,) = until(
        lambda: [line for line in json_lines(traced.log) if line["RequestPath"] == "/logged"], "a line"
    )
    assert (line["trace_id"], line["span_id"]) == (entry.trace_id.hex(), entry.span_id.hex())


def test_what_is_no_request_belongs_to_no_trace(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(told))
    with Client(traced.proxy.web) as client:
        client.send(f"GET /right HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().status == 200
        client.send(b"GET /wrong HTTP/1.1\r\n\r\n")
        assert client.answer().status == 400

    def found() -> list[dict[str, object]]:
        lines = json_lines(traced.log)
        return [line for line in lines if line["RequestMethod"] == "-"]

    (line,) = until(found, "a line of what is no request")
    assert not {"trace_id", "TraceId", "span_id", "SpanId"} & line.keys()


def of_two_servers(traced: Traced, host: str, name: str) -> list[Span]:
    """The servers' spans, first to last, of a request that both were asked, as some of this host's are."""
    # By four each has had its turn, whatever tickets were late.
    for number in range(4):
        traced.proxy.get(host, f"/{name}{number}")
    of_all = [traced.collector.of(f"/{name}{number}") for number in range(4)]
    assert {len(spans) for spans in of_all} == {2, 3}
    spans = next(spans for spans in of_all if len(spans) == 3)
    return sorted(spans[1:], key=lambda span: span.start_time_unix_nano)


def test_an_answer_that_was_not_wanted_is_told_with_its_status(traced: Traced, origin: Start) -> None:
    traced.proxy.middlewares["again"] = Middleware("again", "retry", {"attempts": 2, "status": ["503"]})
    failing, well = origin(answer(b"no", status="503 Service Unavailable")), origin(told)
    host = traced.proxy.route(failing, well, middlewares=("again",))
    refused, taken = of_two_servers(traced, host, "again")
    assert attributes(refused)["server.port"] == failing.port
    assert attributes(refused)["http.response.status_code"] == 503
    assert attributes(refused)["error.type"] == "503"
    assert "http.response.header.x-made-by" not in attributes(refused)
    assert attributes(taken)["http.response.status_code"] == 200
    assert attributes(taken)["http.response.header.x-made-by"] == ["origin"]
    assert refused.end_time_unix_nano <= taken.start_time_unix_nano


def test_an_answer_of_our_own_has_no_server(traced: Traced) -> None:
    assert traced.proxy.status("nobody.test", "/nobody") == 404
    (entry,) = traced.collector.of("/nobody")
    assert attributes(entry)["http.response.status_code"] == 404
    assert entry.status.code == Status.STATUS_CODE_UNSET


def test_a_server_that_cannot_be_reached_has_a_span_too(traced: Traced, origin: Start) -> None:
    port = free_port()
    host = traced.proxy.route(port, origin(told))
    failed, asked = of_two_servers(traced, host, "retried")
    assert attributes(failed)["server.port"] == port
    assert attributes(failed)["error.type"] == "_OTHER"
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert attributes(asked)["http.request.resend_count"] == 1
    assert attributes(asked)["http.response.status_code"] == 200
    assert failed.end_time_unix_nano <= asked.start_time_unix_nano


def test_an_error_is_one_at_both_ends(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(answer(b"no", status="503 Service Unavailable")))
    assert traced.proxy.status(host, "/error") == 503
    for span in traced.collector.of("/error"):
        assert attributes(span)["error.type"] == "503"
        assert span.status.code == Status.STATUS_CODE_ERROR


def test_a_method_that_is_made_up_is_no_name(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(told))
    http.request(traced.proxy.web, host, "/made-up", method="BREW")
    entry, _ = traced.collector.of("/made-up")
    assert entry.name == "HTTP"
    assert attributes(entry)["http.request.method"] == "_OTHER"
    assert attributes(entry)["http.request.method_original"] == "BREW"


def test_requests_on_one_connection_are_traces_of_their_own(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(told))
    with Client(traced.proxy.web) as client:
        for number in range(3):
            client.send(f"GET /kept{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
    assert len({traced.collector.of(f"/kept{number}")[0].trace_id for number in range(3)}) == 3


def test_requests_on_one_connection_are_sampled_or_not_each_by_itself(traced: Traced, origin: Start) -> None:
    server = origin(told)
    host = traced.proxy.route(server)
    with Client(traced.proxy.web) as client:
        for number, flags in enumerate(("01", "00", "00", "01")):
            parent = f"traceparent: 00-{TRACE}-{SPAN}-{flags}"
            client.send(f"GET /each{number} HTTP/1.1\r\nHost: {host}\r\n{parent}\r\n\r\n".encode())
            assert client.answer().body.strip().endswith(f"-{flags}".encode())
    for number in (0, 3):
        entry, asked = traced.collector.of(f"/each{number}")
        assert asked.parent_span_id == entry.span_id
        assert attributes(asked)["server.port"] == server.port
        assert attributes(asked)["http.response.status_code"] == 200
    paths = {attributes(span).get("url.path") for span in traced.collector.spans}
    assert not paths & {"/each1", "/each2"}


def test_an_entry_point_that_is_not_traced_passes_on_what_it_gets(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(told))
    assert http.request(traced.untraced, host, "/untraced").text == ""
    headers = {"traceparent": "as it is", "tracestate": "b=2"}
    assert http.request(traced.untraced, host, "/untraced", headers=headers).text == "as it is b=2"
    traced.proxy.get(host, "/traced")
    traced.collector.of("/traced")
    assert not any(attributes(span).get("url.path") == "/untraced" for span in traced.collector.spans)


def test_a_router_that_is_not_to_be_traced_passes_on_what_it_gets(traced: Traced, origin: Start) -> None:
    silent = RouterObservability(tracing=False)
    host = traced.proxy.route(origin(told), observability=silent)
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "b=2"}
    response = http.request(traced.proxy.web, host, "/silent", headers=headers)
    assert response.text == f"00-{TRACE}-{SPAN}-01 b=2"
    nowhere = traced.proxy.route(observability=silent)
    assert traced.proxy.status(nowhere, "/silent") == 503
    traced.proxy.get(traced.proxy.route(origin(told)), "/spoken")
    traced.collector.of("/spoken")
    assert not any(attributes(span).get("url.path") == "/silent" for span in traced.collector.spans)

    def lines() -> list[dict[str, object]]:
        return [line for line in json_lines(traced.log) if line["RequestPath"] == "/silent"]

    until(lambda: len(lines()) == 2, "two lines")
    assert not any("trace_id" in line for line in lines())


def test_a_router_is_traced_on_an_entry_point_that_is_not(traced: Traced, origin: Start) -> None:
    host = traced.proxy.route(origin(told), observability=RouterObservability(tracing=True))
    other = traced.proxy.route(origin(told))
    headers = {"traceparent": "as it is"}
    assert http.request(traced.untraced, other, "/other", headers=headers).text == "as it is"
    response = http.request(traced.untraced, host, "/asked-for", headers=headers)
    entry, asked = traced.collector.of("/asked-for")
    assert response.text.strip() == f"00-{entry.trace_id.hex()}-{asked.span_id.hex()}-01"
    assert not any(attributes(span).get("url.path") == "/other" for span in traced.collector.spans)


def test_in_detail_router_middlewares_and_service_have_spans(traced: Traced, origin: Start) -> None:
    traced.proxy.middlewares["strip"] = Middleware("strip", "stripPrefix", {"prefixes": ["/in"]})
    detailed = RouterObservability(trace_verbosity="detailed")
    host = traced.proxy.route(origin(told), observability=detailed, middlewares=("strip",))
    traced.proxy.get(host, "/in/detail")
    entry = traced.collector.of("/in/detail")[0]
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
    # The middleware is shared with a router that wants less.
    plain = traced.proxy.route(origin(told), middlewares=("strip",))
    traced.proxy.get(plain, "/in/short")
    entry = traced.collector.of("/in/short")[0]
    assert len(traced.collector.within(entry)) == 2


def test_a_collector_that_is_away_for_a_while_is_told_later(
    store: Store, short_path: Path, origin: Start
) -> None:
    with (
        Collector() as collector,
        running_proxy(short_path, store, f"--tracing.otlp.http.endpoint={collector.url}") as proxy,
    ):
        before = collector.quiet(proxy, host := proxy.route(origin(told)))
        collector.refusals += [503, 429]
        proxy.get(host, "/later")
        assert len(collector.of("/later")) == 2
        assert collector.exports == before + 3


def test_a_collector_that_takes_nothing_costs_no_request_and_is_complained_of_once(
    store: Store, short_path: Path, origin: Start
) -> None:
    with (
        Collector(*[400] * 100) as collector,
        running_proxy(
            short_path, store, f"--tracing.otlp.http.endpoint={collector.url}", "--metrics.prometheus"
        ) as proxy,
    ):
        host = proxy.route(origin(told))
        # Requests by which the route was waited for are traced too.
        for _ in range(2):
            before = collector.exports
            proxy.get(host)
            until(lambda before=before: collector.exports > before, "a try")
        dropped = "rondpoint_tracing_dropped_spans_total"
        scraped(proxy.admin, lambda now: now.sum(dropped) >= 4, "the spans dropped")
    assert proxy.process.log.count("does not accept traces") == 1
    assert "Traceback" not in proxy.process.log


def test_the_last_requests_of_a_leaving_worker_are_told(
    store: Store, short_path: Path, origin: Start
) -> None:
    with Collector() as collector:
        flag = f"--tracing.otlp.http.endpoint={collector.url}"
        with running_proxy(short_path, store, flag) as proxy:
            proxy.get(proxy.route(origin(told)), "/last")
        assert len(collector.of("/last")) == 2


def test_what_a_leaving_worker_is_just_telling_is_told(store: Store, short_path: Path, origin: Start) -> None:
    with Collector() as collector:
        flag = f"--tracing.otlp.http.endpoint={collector.url}"
        with running_proxy(short_path, store, flag) as proxy:
            before = collector.quiet(proxy, host := proxy.route(origin(told)))
            collector.pause = 1.0
            proxy.get(host, "/just-now")
            until(lambda: collector.exports > before, "the beginning")
        assert len(collector.of("/just-now")) == 2


def test_requests_go_on_while_much_is_told(store: Store, short_path: Path, origin: Start) -> None:
    def slow(connection: Connection) -> None:
        """Takes what it is sent, byte by byte so to speak, and never answers."""
        while connection.read() is not None:
            continue

    with Origin(slow) as collector:
        flag = f"--tracing.otlp.http.endpoint=http://127.0.0.1:{collector.port}"
        with running_proxy(short_path, store, flag) as proxy:
            host = proxy.route(origin(told))
            with Client(proxy.web) as client:
                for _ in range(600):
                    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                    assert client.answer().status == 200


def test_without_the_extra_nothing_is_traced_and_that_is_said(
    store: Store, short_path: Path, origin: Start, processes: Processes
) -> None:
    # Stands before the real one, and has nothing of it.
    (short_path / "hidden" / "opentelemetry").mkdir(parents=True)
    (short_path / "hidden" / "opentelemetry" / "__init__.py").touch()
    web = run_untraced(processes, store, short_path, "--tracing", short_path / "hidden")
    until(lambda: http.request(web, "nobody.test").status in (404, 503), "an answer")
