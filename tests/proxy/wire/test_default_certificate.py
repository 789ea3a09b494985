"""An entry point with TLS and without certificates of its own presents the default certificate."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import http
from tests.lab.origin import Start
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Client

CONNECTIONS = 30


@pytest.fixture(scope="module")
def secured(directory: Path) -> Iterator[tuple[Proxy, int]]:
    """A proxy with two workers, and the port of its second entry point."""
    port = free_port()
    flags = [
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        "--entryPoints.websecure.http.tls.certResolver=le",
    ]
    path = directory / "default"
    path.mkdir()
    with Store(path) as store, running_proxy(path, store, *flags, workers=2) as proxy:
        yield proxy, port


@pytest.fixture
def proxy(secured: tuple[Proxy, int]) -> Iterator[Proxy]:
    yield from watched(secured[0])


@pytest.fixture
def port(secured: tuple[Proxy, int]) -> int:
    return secured[1]


@pytest.mark.parametrize("tls", [False, True])
def test_routers_are_served(proxy: Proxy, port: int, origin: Start, tls: bool) -> None:
    seen = origin(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    host = proxy.route(seen, tls=tls)
    with Client(port) as client:
        client.socket = client_context(ssl.TLSVersion.TLSv1_3).wrap_socket(client.socket)
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.answer().body == b"ok"
    assert seen.requests[-1].header("X-Forwarded-Proto") == "https"


def test_all_workers_present_the_same_certificate(proxy: Proxy, port: int) -> None:
    context = client_context(ssl.TLSVersion.TLSv1_2)
    found = set()
    for _ in range(CONNECTIONS):
        plain = socket.create_connection(("127.0.0.1", port), timeout=30)
        with context.wrap_socket(plain, server_hostname="a.test") as client:
            found.add(client.getpeercert(binary_form=True))
    assert len(found) == 1


def test_the_admin_entry_point_shows_tls(proxy: Proxy) -> None:
    response = http.request(proxy.admin, "localhost", "/api/entrypoints/websecure")
    assert json.loads(response.body)["http"]["tls"] == {}
