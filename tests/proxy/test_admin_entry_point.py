"""The admin entry point: TLS, HTTP/2, and the guards of all its requests."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.http2 import client as http2
from tests.lab.http2 import frames
from tests.lab.processes import installed
from tests.lab.store import Store
from tests.proxy.running import Proxy, lone_proxy, running_proxy
from tests.proxy.wire.client import Client

HASH = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
USER = {"Authorization": "Basic " + base64.b64encode(b"test:test").decode()}
JSON = {"Content-Type": "application/json"}
PARTS = ("/", "/api/overview", "/dashboard/", "/health", "/metrics")


def send(proxy: Proxy, path: str, method: str = "GET", **headers: str) -> http.Response:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return http.request(
        proxy.admin, "localhost", path, method=method, headers=lines, body=b"{}" if method == "PUT" else b""
    )


@pytest.fixture(scope="module")
def guarded() -> Iterator[Proxy]:
    """A proxy whose admin entry point asks for a password as Traefik 1's does."""
    with lone_proxy(f"--web.auth.basic.users=test:{HASH}", "--metrics.prometheus") as proxy:
        yield proxy


@pytest.mark.parametrize("path", PARTS)
def test_the_password_of_traefik_1_guards_all_but_ping(guarded: Proxy, path: str) -> None:
    refused = send(guarded, path)
    assert (refused.status, refused.header("www-authenticate")) == (401, 'Basic realm="traefik"')
    assert send(guarded, path, **USER).status in (200, 302)
    assert send(guarded, "/ping").text == "OK"


def test_who_knows_the_password_may_change_something(guarded: Proxy) -> None:
    path = "/api/providers/rest"
    assert send(guarded, path, "PUT", **JSON).status == 401
    allowed = send(guarded, path, "PUT", **USER, **JSON)
    # There is no agent here, which would apply it.
    assert (allowed.status, "no agent accepts changes" in allowed.text) == (503, True)
    forged = send(guarded, path, "PUT", **USER, **JSON, Origin="http://other.test")
    assert (forged.status, "a page of another site" in forged.text) == (403, True)


GUARDS: dict[str, Sequence[str]] = {
    "digest": ("--web.auth.digest.users=test:traefik:a2688e031edb4be6a3797f3882655c05",),
    "addresses": ("--entryPoints.traefik.whiteList.sourceRange=10.0.0.0/8",),
    "middleware of the store": ("--entryPoints.traefik.http.middlewares=nobody@file",),
    "middleware that does not exist": ("--entryPoints.traefik.http.middlewares=none@file",),
    "unreachable authentication server": ("--web.auth.forward.address=http://127.0.0.1:1/",),
}
STATUSES = {
    "digest": 401,
    "addresses": 403,
    "middleware of the store": 403,
    "middleware that does not exist": 503,
    "unreachable authentication server": 500,
}


@pytest.mark.parametrize("guard", GUARDS)
def test_other_guards_of_an_entry_point_are_its_own_too(guard: str) -> None:
    with lone_proxy(*GUARDS[guard]) as proxy:
        proxy.middlewares["nobody@file"] = Middleware(
            "nobody@file", "ipAllowList", {"sourceRange": ["10.0.0.0/8"]}
        )
        proxy.publish()
        assert {send(proxy, path).status for path in PARTS} == {STATUSES[guard]}
        assert send(proxy, "/ping").text == "OK"


def test_read_only_refuses_changes_and_shows_the_rest() -> None:
    with lone_proxy("--web.readOnly") as proxy:
        assert send(proxy, "/api/overview").status == 200
        refused = send(proxy, "/api/providers/rest", "PUT", **JSON)
        assert (refused.status, "api.readOnly is set" in refused.text) == (403, True)


@pytest.fixture(scope="module")
def secure() -> Iterator[tuple[Proxy, ssl.SSLContext]]:
    """A proxy whose admin entry point speaks TLS by Traefik 1's section `web`, and a client's context."""
    with TemporaryDirectory(prefix="rp-") as name:
        directory = Path(name)
        certificate = write_certificate(directory / "own.pem", "DNS:localhost")
        flags = (f"--web.certFile={certificate}", f"--web.keyFile={certificate}")
        with Store(directory) as store, running_proxy(directory, store, *flags) as proxy:
            proxy.publish()
            yield proxy, ssl.create_default_context(cafile=certificate)


def test_it_speaks_tls_and_http2(secure: tuple[Proxy, ssl.SSLContext]) -> None:
    proxy, _ = secure
    found = subprocess.run(
        [
            *("curl", "--silent", "--insecure", "--http2", "--write-out", "\n%{http_version} %{http_code}"),
            f"https://localhost:{proxy.admin}/api/version",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    content, _, outcome = found.stdout.rpartition("\n")
    assert (outcome, "Version" in json.loads(content)) == ("2 200", True)


@pytest.mark.parametrize("path", [b"/api/version", b"/dashboard/", b"/ping"])
def test_it_has_no_websockets_over_http2(guarded: Proxy, path: bytes) -> None:
    with http2.Client(guarded.admin) as client:
        client.start()
        number = client.next_stream()
        fields = [(b":protocol", b"websocket"), (b"authorization", USER["Authorization"].encode())]
        client.send(
            frames.headers(number, http2.head(path, b"CONNECT", b"localhost", fields=fields), ended=False)
        )
        record = client.wait_for(number)
        assert (record.status, record.content) == (501, b"501 no WebSocket is served here\n")
        assert client.get(b"/ping").content == b"OK"


def test_its_certificate_is_that_of_the_settings(secure: tuple[Proxy, ssl.SSLContext]) -> None:
    proxy, context = secure
    with Client(proxy.admin) as client:
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        client.send(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.answer().body == b"OK"


def test_without_tls_it_serves_nothing_then(secure: tuple[Proxy, ssl.SSLContext]) -> None:
    proxy, _ = secure
    assert {send(proxy, path).status for path in (*PARTS, "/ping")} == {404}


@pytest.mark.parametrize(("name", "output"), [("routes", "ROUTER"), ("healthcheck", "healthy")])
def test_commands_reach_it_over_tls(
    secure: tuple[Proxy, ssl.SSLContext], tmp_path: Path, name: str, output: str
) -> None:
    proxy, _ = secure
    flags = (f"--entryPoints.traefik.address=127.0.0.1:{proxy.admin}", "--entryPoints.traefik.tls")
    found = subprocess.run(
        [installed("rondpoint"), name, *flags], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert output in found.stdout
    assert found.stderr == ""


def test_nobody_receives_content_before_the_client_has_signed_in() -> None:
    with lone_proxy(f"--api.token={'c' * 40}") as proxy, Client(proxy.admin) as client:
        client.send(
            b"PUT /api/http/routers/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000000\r\n\r\n"
        )
        assert client.answer().status == 401


def test_names_outside_of_ascii_need_no_escapes(guarded: Proxy) -> None:
    login = USER["Authorization"].encode()
    for name in ("café".encode(), b"caf%C3%A9"):
        with Client(guarded.admin) as client:
            client.send(
                b"GET /api/http/routers/%b HTTP/1.1\r\nHost: localhost\r\nAuthorization: %b\r\n\r\n"
                % (name, login)
            )
            refused = client.answer()
        assert (refused.status, json.loads(refused.body)["message"]) == (404, "router not found: café")


def test_idle_connections_end_soon_because_there_are_few(guarded: Proxy) -> None:
    with Client(guarded.admin) as client:
        client.send(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.answer().status == 200
        started = time.monotonic()
        assert client.socket.recv(1) == b""
        assert time.monotonic() - started < 60


def test_a_request_of_http_1_0_may_lack_a_host(guarded: Proxy) -> None:
    with Client(guarded.admin) as client:
        client.send(b"GET /ping HTTP/1.0\r\n\r\n")
        assert client.answer().status == 200


def test_metrics_and_ping_may_be_left_to_routers() -> None:
    flags = (
        "--metrics.prometheus.entryPoint=web",
        "--metrics.prometheus.manualRouting",
        "--ping.entryPoint=web",
        "--ping.manualRouting",
    )
    with lone_proxy(*flags) as proxy:
        proxy.publish()
        assert [http.request(proxy.web, "x", path).status for path in ("/metrics", "/ping")] == [404, 404]
        refused = send(proxy, "/metrics")
        assert (refused.status, "metrics.prometheus.manualRouting is set" in refused.text) == (404, True)
