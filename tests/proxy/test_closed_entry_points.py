"""Entry points whose guards are not served: their routers answer 503, and everybody is told why."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rondpoint.model import Router
from rondpoint.rules import v3
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.tcp_server import TcpServer, announce
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.tcp.routing import ANYTHING, connect, receive_all, route
from tests.proxy.test_explaining import command
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Answer, Client
from tests.proxy.wire.test_tls_clients import SecureClient

GUARD = "entryPoints.shut.clientIPStrategy"

GUARDS = {
    "with tls": (f"--{GUARD}.depth=1", "--entryPoints.shut.http.tls"),
    "without tls": (f"--{GUARD}.depth=1",),
}


@contextmanager
def shut(store: Store, directory: Path, *flags: str) -> Iterator[tuple[Proxy, int]]:
    """A proxy, and the port of its second entry point, `shut`."""
    port = free_port()
    address = f"--entryPoints.shut.address=127.0.0.1:{port}"
    with running_proxy(directory, store, address, *flags) as proxy:
        yield proxy, port


def ask(proxy: Proxy, path: str) -> Any:
    response = http.request(proxy.admin, "localhost", path)
    assert response.status == 200, response
    return json.loads(response.body)


def respond(port: int, host: str, path: str, *, tls: bool) -> Answer:
    """Return the response to a request; an entry point with `http.tls` speaks TLS."""
    with Client(port) as client:
        if tls:
            client.socket = client_context(ssl.TLSVersion.TLSv1_3).wrap_socket(client.socket)
        client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return client.answer()


@pytest.mark.parametrize("guard", GUARDS)
def test_a_router_behind_a_guard_answers_503_there_alone(store: Store, short_path: Path, guard: str) -> None:
    with Origin.named("a") as origin, shut(store, short_path, *GUARDS[guard]) as (proxy, port):
        host = proxy.route(origin)
        for path in ("/", "/ping", "/metrics"):
            refused = respond(port, host, path, tls=guard == "with tls")
            assert refused.status == 503
            told = f"entry point shut is closed: {GUARD} is not served yet"
            assert f"service unavailable: {told}" in refused.body.decode()
        assert respond(port, "nobody.test", "/", tls=guard == "with tls").status == 404
        assert proxy.status(host) == 200
        assert len(origin.wait_for_requests(1)) == 1


def test_a_connection_to_it_can_be_used_again(store: Store, short_path: Path) -> None:
    with Origin.named("a") as origin, shut(store, short_path, *GUARDS["without tls"]) as (proxy, port):
        host = proxy.route(origin)
        with Client(port) as client:
            for _ in range(2):
                client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert client.answer().status == 503


def test_an_entry_point_that_speaks_tls_needs_no_more_for_tls(store: Store, short_path: Path) -> None:
    certificate = write_certificate(short_path / "own.pem")
    flags = (
        f"--entryPoints.shut.tls.certificates={certificate},{certificate}",
        "--entryPoints.shut.http.tls",
    )
    with Origin.named("a") as origin, shut(store, short_path, *flags) as (proxy, port):
        host = proxy.route(origin)
        with SecureClient(port, certificate) as client:
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200


def test_everybody_is_told_why(store: Store, short_path: Path) -> None:
    reason = f"entry point shut is closed: {GUARD} is not served yet"
    with Origin.named("a") as origin, shut(store, short_path, *GUARDS["with tls"]) as (proxy, _):
        proxy.process.wait_for_line(f"{GUARD} is not served yet, so entry point shut is closed")
        host = proxy.route(origin)
        (service,) = proxy.services
        for name, points in (("only@file", ("shut",)), ("both@file", ("web", "shut"))):
            rule = v3.parse(f"Host(`{name.partition('@')[0]}.test`)")
            proxy.routers[name] = Router(name, rule, service, 10, points)
        proxy.publish()

        (told,) = ask(proxy, "/api/diagnostics")
        assert (told["severity"], told["source"]) == ("error", "settings")
        assert told["subject"] == f"flag --{GUARD}"
        assert told["about"] == "entry point shut"
        assert told["hint"]

        point = ask(proxy, "/api/entrypoints/shut")
        assert (point["status"], point["error"]) == ("disabled", [reason])
        assert "error" not in ask(proxy, "/api/entrypoints/web")

        only, both = (ask(proxy, f"/api/http/routers/{name}@file") for name in ("only", "both"))
        assert (only["status"], only["error"]) == ("disabled", [reason])
        assert both["status"] == "enabled"
        assert ask(proxy, "/api/overview")["http"]["routers"]["errors"] == 1

        way = ask(proxy, f"/api/explain?url=https://{host}/&entryPoint=shut")
        assert (way["status"], way["reason"]) == (503, reason)
        assert ask(proxy, f"/api/explain?url=http://{host}/&entryPoint=web")["status"] == 0
        explained = command(proxy, f"https://{host}/", "--entryPoint=shut")
        assert explained.returncode == 1
        assert f"response    503: {reason}" in explained.stdout

        page = http.request(proxy.admin, "localhost", "/dashboard/?router=both@file").text
        assert f'<small class="bad">{reason}</small>' in page


def test_metrics_are_not_shown_on_a_closed_entry_point(store: Store, short_path: Path) -> None:
    flags = ("--metrics.prometheus.entryPoint=shut", *GUARDS["without tls"])
    with shut(store, short_path, *flags) as (proxy, port):
        assert http.request(port, "localhost", "/metrics").status in (404, 503)
        assert http.request(proxy.admin, "localhost", "/metrics").status == 200


def test_a_closed_admin_entry_point_answers_a_ping_alone(store: Store, short_path: Path) -> None:
    flag = "--entryPoints.traefik.http.redirections.entryPoint.to=web"
    with running_proxy(short_path, store, flag) as proxy:
        assert http.request(proxy.admin, "localhost", "/ping").text == "OK"
        for path in ("/", "/api/overview", "/dashboard/", "/health", "/metrics"):
            refused = http.request(proxy.admin, "localhost", path)
            assert refused.status == 503
            assert "entry point traefik is closed" in refused.text


def test_a_tcp_router_behind_a_guard_closes_connections(store: Store, short_path: Path) -> None:
    with (
        TcpServer(announce(b"s")) as server,
        shut(store, short_path, f"--{GUARD}.depth=1", "--log.level=DEBUG") as (proxy, port),
    ):
        name = route(proxy, "shut", ANYTHING, server.port)
        with connect(port) as client:
            assert receive_all(client) == b""
        assert server.accepted == 0
        proxy.process.wait_for_line(
            f"TCP router {name} refuses a connection from 127.0.0.1: entry point shut"
        )
