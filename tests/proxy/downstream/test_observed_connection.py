"""Observed connections of a running proxy: request ids, heads, times, and settings of routers."""

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from msgspec.structs import replace

from rondpoint.model import Middleware, RouterObservability
from tests.lab import http
from tests.lab.origin import Connection, Handler, Start, http_response
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.scraping import wait_for_scrape
from tests.proxy.wire.client import Client

PAUSE = 0.2


class Watched:
    """A proxy with two further entry points; lines of its access log."""

    def __init__(self, proxy: Proxy, log: Path, quiet: int, trusting: int) -> None:
        self.proxy = proxy
        self.quiet = quiet
        self.trusting = trusting
        self.log = log

    def line(self, path: str) -> dict[str, object]:
        """Wait for the line of this path, and return it."""

        def found() -> list[dict[str, object]]:
            lines = json_lines(self.log)
            return [line for line in lines if line["RequestPath"] == path]

        until(found, f"a line for {path}")
        (line,) = found()
        return line

    def malformed(self) -> list[dict[str, object]]:
        """Return the lines of malformed requests."""
        lines = json_lines(self.log)
        return [line for line in lines if line["RequestMethod"] == "-"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Watched]:
    with TemporaryDirectory(prefix="rp-") as name:
        directory = Path(name)
        log, quiet, trusting = directory / "access.json", free_port(), free_port()
        flags = (
            "--accessLog.format=json",
            f"--accessLog.filePath={log}",
            "--accessLog.fields.headers.names.Server=keep",
            "--accessLog.fields.names.ClientPort=drop",
            "--entryPoints.web.requestId",
            f"--entryPoints.trusting.address=127.0.0.1:{trusting}",
            "--entryPoints.trusting.forwardedHeaders.trustedIPs=127.0.0.1",
            "--entryPoints.trusting.requestId",
            f"--entryPoints.quiet.address=127.0.0.1:{quiet}",
            "--entryPoints.quiet.observability.accessLogs=false",
            "--entryPoints.quiet.observability.metrics=false",
            "--metrics.prometheus.headerLabels.agent=User-Agent",
            "--metrics.prometheus.headerLabels.host=Host",
        )
        with Store(directory) as store, running_proxy(directory, store, *flags) as proxy:
            until(log.exists, "the log")
            yield Watched(proxy, log, quiet, trusting)


@pytest.fixture
def watch(shared: Watched) -> Iterator[Watched]:
    for _ in watched(shared.proxy):
        yield shared


def echo_header(header: str) -> Handler:
    """Return a handler that responds with the request's values of this header, one on each line."""

    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            values = [value for name, value in request.headers if name.lower() == header.lower()]
            body = "\n".join(values).encode()
            connection.send(
                b"HTTP/1.1 200 OK\r\nServer: own\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )

    return handler


def test_a_request_without_an_id_gets_one_for_server_and_log(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(echo_header("X-Request-Id")))
    ids = [watch.proxy.get(host, f"/made{number}") for number in range(2)]
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)
    assert ids[0] != ids[1]
    assert [watch.line(f"/made{number}")["RequestId"] for number in range(2)] == ids


def test_a_valid_id_is_forwarded_unchanged(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(echo_header("X-Request-Id")))
    response = http.request(watch.proxy.web, host, "/given", headers={"x-request-id": "abc-1.2"})
    assert (response.text, watch.line("/given")["RequestId"]) == ("abc-1.2", "abc-1.2")


UNUSABLE = [
    [("X-Request-Id", "a b")],
    [("X-Request-Id", "a" * 129)],
    [("X-Request-Id", "a"), ("X-Request-Id", "b")],
]


@pytest.mark.parametrize("headers", UNUSABLE)
def test_an_invalid_id_is_replaced(watch: Watched, origin: Start, headers: list[tuple[str, str]]) -> None:
    host = watch.proxy.route(origin(echo_header("X-Request-Id")))
    assert re.fullmatch("[0-9a-f]{32}", http.request(watch.proxy.web, host, headers=headers).text)


def test_requests_on_one_connection_have_different_ids(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(echo_header("X-Request-Id")))
    with Client(watch.proxy.web) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 3)
        assert len({client.answer().body for _ in range(3)}) == 3


def test_the_name_of_a_user_is_in_the_line_of_its_request_only(watch: Watched, origin: Start) -> None:
    seen = origin(http_response(b""))
    sha1 = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
    watch.proxy.middlewares["m@x"] = Middleware("m@x", "basicAuth", {"users": [f"eve:{sha1}"]})
    guarded, open_host = watch.proxy.route(seen, middlewares=("m@x",)), watch.proxy.route(seen)
    requests = [
        (guarded, "right", "eve:test", 200, "eve"),
        (open_host, "open", "eve:test", 200, "-"),
        (guarded, "wrong", "ada:test", 401, "ada"),
        (guarded, "none", "", 401, "-"),
    ]
    with Client(watch.proxy.web) as client:
        for host, path, credentials, status, _ in requests:
            line = (
                f"Authorization: Basic {b64encode(credentials.encode()).decode()}\r\n" if credentials else ""
            )
            client.send(f"GET /user/{path} HTTP/1.1\r\nHost: {host}\r\n{line}\r\n".encode())
            assert client.answer().status == status
    for _, path, _, _, name in requests:
        assert watch.line(f"/user/{path}")["ClientUsername"] == name


def send_malformed_after(watch: Watched, origin: Start, path: str, malformed: bytes) -> None:
    """Send malformed bytes on a connection after a request for this path was served."""
    host = watch.proxy.route(origin(echo_header("X-Request-Id")))
    with Client(watch.proxy.web) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().status == 200
        client.send(malformed)
        assert client.answer().status == 400


def test_a_malformed_request_has_no_id(watch: Watched, origin: Start) -> None:
    send_malformed_after(watch, origin, "/right", b"GET /wrong HTTP/1.1\r\n\r\n")
    assert "RequestId" in watch.line("/right")
    assert "RequestId" not in watch.line("-")


def test_the_log_of_a_malformed_request_has_nothing_of_the_request_before(
    watch: Watched, origin: Start
) -> None:
    send_malformed_after(watch, origin, "/before", b"BAD-ONE /after HTTP/1.1\r\n\r\n")
    assert watch.line("/before")["origin_Server"] == "own"
    until(lambda: len(watch.malformed()) == 2, "the second line of a malformed request")
    for line in watch.malformed():
        assert not {"origin_Server", "downstream_Server", "RequestId"} & line.keys()


def test_the_head_of_a_101_is_logged_and_no_interim_head(watch: Watched, origin: Start) -> None:
    def switching(connection: Connection) -> None:
        if connection.read() is not None:
            connection.send(b"HTTP/1.1 103 Early Hints\r\nServer: early\r\n\r\n")
            head = b"HTTP/1.1 101 Switching Protocols\r\nServer: own\r\nConnection: upgrade\r\nUpgrade: echo"
            connection.send(head + b"\r\n\r\n")

    host = watch.proxy.route(origin(switching))
    with Client(watch.proxy.web) as client:
        client.send(
            f"GET /switch HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n".encode()
        )
        assert [client.answer().status for _ in range(2)] == [103, 101]
    line = watch.line("/switch")
    assert (line["DownstreamStatus"], line["origin_Server"], line["downstream_Server"]) == (101, "own", "own")


def test_the_time_of_the_server_is_logged(watch: Watched, origin: Start) -> None:
    def slow(connection: Connection) -> None:
        while connection.read() is not None:
            time.sleep(PAUSE)
            connection.send(b"HTTP/1.1 200 OK\r\nServer: own\r\nContent-Length: 2\r\n\r\nok")

    host = watch.proxy.route(origin(slow))
    watch.proxy.get(host, "/slow")
    line = watch.line("/slow")
    assert PAUSE * 1e9 * 0.9 <= line["OriginDuration"] <= line["Duration"]
    assert line["Overhead"] == line["Duration"] - line["OriginDuration"]
    assert (line["downstream_Server"], line["origin_Server"]) == ("own", "own")
    assert "ClientPort" not in line


def test_a_response_of_the_proxy_has_no_server_time(watch: Watched) -> None:
    assert watch.proxy.status("nobody.test", "/nobody") == 404
    line = watch.line("/nobody")
    assert (line["OriginDuration"], line["OriginStatus"], line["Overhead"]) == (0, 0, line["Duration"])


def test_bodies_and_retries_are_logged(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(free_port(), origin(echo_header("X")))
    count = 4
    for number in range(count):
        http.request(watch.proxy.web, host, f"/retried{number}", method="POST", body=b"x" * 70_000)
    lines = [watch.line(f"/retried{number}") for number in range(count)]
    assert [line["RequestContentSize"] for line in lines] == [70_000] * count
    # The unreachable server is tried once and then ejected; if a request tries it again, that is one attempt.
    assert {line["RetryAttempts"] for line in lines} == {0, 1}


def test_values_of_headers_are_counted_separately(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(http_response(b"hello")))
    for agent in ("one", "one", "two"):
        http.request(watch.proxy.web, host, headers={"User-Agent": agent})
    total = "traefik_service_requests_total"
    found = wait_for_scrape(watch.proxy.admin, lambda now: now.sum(total, host=host) == 3, "3 requests")
    assert (found.sum(total, agent="one"), found.sum(total, agent="two")) == (2, 1)


def test_a_quiet_entry_point_reports_nothing(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(echo_header("X-Request-Id")))
    assert http.request(watch.quiet, host, "/quiet").text == ""
    watch.proxy.get(host, "/loud")
    watch.line("/loud")
    total = "traefik_service_requests_total"
    name = host.split(".")[0]
    found = wait_for_scrape(watch.proxy.admin, lambda now: bool(now.sum(total, service=name)), "a request")
    assert found.sum(total, service=name) == 1
    assert not found.sum("traefik_entrypoint_requests_total", entrypoint="quiet")
    assert "/quiet" not in watch.log.read_text()


def test_a_router_s_own_settings_for_log_and_metrics(watch: Watched, origin: Start) -> None:
    silent = RouterObservability(access_logs=False, metrics=False)
    server = origin(http_response(b"hello"))
    host = watch.proxy.route(server)
    with Client(watch.proxy.web) as client:

        def send(path: str) -> None:
            client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200

        send("/before")
        name = host.split(".")[0]
        watch.proxy.routers[name] = replace(watch.proxy.routers[name], observability=silent)
        watch.proxy.publish()
        send("/between")
        watch.proxy.routers[name] = replace(watch.proxy.routers[name], observability=None)
        watch.proxy.publish()
        send("/after")
    watch.line("/before")
    watch.line("/after")
    assert "/between" not in watch.log.read_text()
    total = "traefik_service_requests_total"
    found = wait_for_scrape(watch.proxy.admin, lambda now: now.sum(total, service=name) > 1, "two requests")
    assert found.sum(total, service=name) == 2
    rawdata = json.loads(http.request(watch.proxy.admin, "localhost", "/api/rawdata").body)
    # The API shows `observability` for every router, regardless of the metrics.
    assert "observability" in rawdata["routers"][name]


def test_a_router_is_reported_on_a_quiet_entry_point(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(
        origin(http_response(b"hello")), observability=RouterObservability(access_logs=True, metrics=True)
    )
    other = watch.proxy.route(origin(http_response(b"hello")))
    for each, path in ((host, "/reported"), (other, "/not-reported"), ("nobody.test", "/unrouted")):
        http.request(watch.quiet, each, path)
    assert watch.line("/reported")["entryPointName"] == "quiet"
    total = "traefik_entrypoint_requests_total"
    found = wait_for_scrape(
        watch.proxy.admin, lambda now: bool(now.sum(total, entrypoint="quiet")), "a request"
    )
    assert found.sum(total, entrypoint="quiet", host=host) == 1
    assert not found.sum(total, host=other)
    assert not re.search("/(not-reported|unrouted)", watch.log.read_text())


def test_requests_of_a_trusted_proxy_are_observed(watch: Watched, origin: Start) -> None:
    host = watch.proxy.route(origin(echo_header("X-Forwarded-For")))
    headers = {"X-Forwarded-For": "192.0.2.9"}
    assert http.request(watch.trusting, host, "/trusted", headers=headers).text == "192.0.2.9, 127.0.0.1"
    assert len(str(watch.line("/trusted")["RequestId"])) == 32
