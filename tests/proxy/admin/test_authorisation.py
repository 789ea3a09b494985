"""Which requests the admin entry point allows, from where and with which credentials."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab import http
from tests.lab.http2 import client as http2
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.proxy.running import Proxy, lone_proxy, running_proxy
from tests.proxy.wire.client import Client

APR1 = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
DASHBOARD = (
    "/dashboard/",
    "/dashboard/events",
    "/dashboard/part/routes",
    "/dashboard/static/dashboard.js",
    "/dashboard/static/dashboard.css",
)
READ = ("/api/overview", "/api/rawdata", "/api/http/routers", "/api/nothing", "/", *DASHBOARD)


@contextmanager
def at(store: Store, directory: Path, *flags: str) -> Iterator[Proxy]:
    with running_proxy(directory, store, *flags) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def local() -> Iterator[Proxy]:
    """A proxy with default settings."""
    with lone_proxy() as proxy:
        yield proxy


def anywhere(port: int) -> str:
    """Return a flag for a listener on all addresses; it overrides an earlier flag."""
    return f"--entryPoints.traefik.address=:{port}"


def ask(
    port: int,
    path: str = "/api/overview",
    *,
    method: str = "GET",
    host: str = "localhost",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> http.Response:
    return http.request(port, host, path, method=method, headers=headers, body=body)


def message(response: http.Response) -> str:
    return str(json.loads(response.body)["message"])


def test_a_loopback_address_is_open_only_to_this_machine(local: Proxy) -> None:
    assert ask(local.admin).status == 200
    for path in READ:
        rebound = ask(local.admin, path, host="evil.test")
        assert (rebound.status, "evil.test" in message(rebound)) == (403, True)
    assert ask(local.admin, "/ping", host="evil.test").text == "OK"


def test_an_insecure_address_is_read_only(store: Store, short_path: Path) -> None:
    port = free_port()
    with at(store, short_path, anywhere(port), "--api.insecure") as proxy:
        assert ask(port, host="rondpoint.test").status == 200
        refused = ask(port, "/api/http/routers/a", method="DELETE")
        assert (refused.status, "api.token" in message(refused)) == (403, True)
        proxy.process.wait_for_line(f"every client that can reach :{port} may read the API")


def test_any_other_address_is_closed_without_credentials(store: Store, short_path: Path) -> None:
    port = free_port()
    with at(store, short_path, anywhere(port)) as proxy:
        assert ask(port, "/ping").text == "OK"
        for path in READ:
            refused = ask(port, path)
            assert (refused.status, "api.token" in message(refused)) == (403, True)
        proxy.process.wait_for_line("so it only responds to /ping")


def test_credentials_are_required_if_any_are_set(store: Store, short_path: Path) -> None:
    port = free_port()
    flags = ("--api.token=s3cret", f"--api.basicAuth.users=eve:{APR1}", "--api.insecure")
    with at(store, short_path, anywhere(port), *flags):
        assert ask(port, "/ping").text == "OK"
        for path in READ:
            refused = ask(port, path)
            assert refused.status == 401
            assert {"Basic", "Bearer"} <= set(str(refused.header("WWW-Authenticate")).split())
        password = base64.b64encode(b"eve:test").decode()
        for right in ("Bearer s3cret", f"Basic {password}"):
            assert ask(port, headers=(("Authorization", right),)).status == 200
        for wrong in ("Bearer s3cre", "Basic ZXZlOng=", "Basic", "Digest x"):
            refused = ask(port, headers=(("Authorization", wrong),))
            assert (refused.status, message(refused)) == (401, "the token or password is wrong")


def test_lost_credentials_lock_everybody_out(store: Store, short_path: Path) -> None:
    file = short_path / "token"
    file.write_text("s3cret")
    with at(store, short_path, f"--api.tokenFile={file}") as proxy:
        file.unlink()
        refused = ask(proxy.admin, headers=(("Authorization", "Bearer s3cret"),))
        assert (refused.status, str(file) in refused.text) == (503, False)
        proxy.process.wait_for_line(f"nobody can sign in at the admin entry point: api.tokenFile: {file}")


def test_responses_are_restricted_to_the_requesting_page(store: Store, short_path: Path) -> None:
    with at(store, short_path, "--api.dashboard=false") as proxy:
        for path in ("/api/overview", "/api/nothing", "/ping"):
            answer = ask(proxy.admin, path)
            assert answer.header("X-Content-Type-Options") == "nosniff"
            assert answer.header("X-Frame-Options") == "DENY"
            assert answer.header("Cache-Control") == "no-store"
            assert answer.header("Access-Control-Allow-Origin") is None
        for path in DASHBOARD:
            assert ask(proxy.admin, path).status == 404


CROSS_ORIGIN = {
    "a page of another site": (("Origin", "http://evil.test"), ("Content-Type", "application/json")),
    "a page without an origin": (("Origin", "null"), ("Content-Type", "application/json")),
    "a frame of another site": (("Sec-Fetch-Site", "cross-site"), ("Content-Type", "application/json")),
}


FORMS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")


def test_other_origins_and_forms_cannot_change_anything(local: Proxy) -> None:
    for name, headers in CROSS_ORIGIN.items():
        for method in ("PUT", "PATCH", "DELETE", "POST"):
            refused = ask(local.admin, "/api/http/routers/a", method=method, headers=headers, body=b"{}")
            assert (refused.status, "another site" in message(refused)) == (403, True), name
    for content_type in FORMS:
        for body in (b"{}", b""):
            headers = (("Content-Type", content_type),)
            refused = ask(local.admin, "/api/history/1/rollback", method="POST", headers=headers, body=body)
            assert refused.status == 415, content_type
            assert refused.header("Accept") == "application/json, application/merge-patch+json"


@pytest.mark.parametrize("content_type", FORMS)
def test_content_of_unknown_length_must_be_json_too(local: Proxy, content_type: str) -> None:
    with Client(local.admin) as client:
        head = f"PUT /api/http/routers/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        client.send(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        assert client.answer().status == 415
    with http2.Client(local.admin) as streams:
        streams.start()
        number = streams.request(
            b"/api/http/routers/a",
            method=b"PUT",
            authority=b"localhost",
            fields=[(b"content-type", content_type.encode())],
            content=b"{}",
        )
        assert streams.wait_for(number).status == 415


def test_credentials_that_are_no_ascii_are_wrong(store: Store, short_path: Path) -> None:
    with at(store, short_path, "--api.token=secret") as proxy, Client(proxy.admin) as client:
        client.send(b"GET /api/version HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic \xff\xfe\r\n\r\n")
        assert client.answer().status == 401
        assert "Traceback" not in proxy.process.log


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--api.basicAuth.users=eve:nothing", "the hash of eve is unusable"),
        ("--api.tokenFile=/nowhere", "api.tokenFile: /nowhere cannot be read"),
    ],
)
def test_unusable_credentials_stop_the_start(processes: Processes, flag: str, words: str) -> None:
    process = processes("rondpoint", "proxy", "--redis.url=redis://127.0.0.1:1/0", flag)
    process.wait_for_line(words)
    assert process.wait() == 2
