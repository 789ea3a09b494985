"""The admin entry point takes few connections; slow or idle clients must not keep others out."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proxy.admin.live.sampler import MAX_LISTENERS
from proxy.process.worker import ADMIN_CONNECTIONS
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.http2 import client as http2
from tests.lab.http2 import frames
from tests.lab.store import Store
from tests.proxy.running import Proxy, lone_proxy, running_proxy

TOKEN = "c" * 40
EVENTS = (
    f"GET /dashboard/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
)
FORM = b"POST /dashboard/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\ntoken="
FORM_FIELDS = [(b"content-type", b"application/x-www-form-urlencoded")]


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with lone_proxy(f"--api.token={TOKEN}") as proxy:
        yield proxy


def connect(stack: ExitStack, port: int) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))


def half_a_head(stack: ExitStack, port: int) -> None:
    connect(stack, port).sendall(b"GET /ping HT")


def half_a_form(stack: ExitStack, port: int) -> None:
    connect(stack, port).sendall(FORM)


def half_a_form_over_http2(stack: ExitStack, port: int) -> None:
    client = stack.enter_context(http2.Client(port))
    client.start()
    head = http2.head(b"/dashboard/sign-in", b"POST", b"localhost", fields=FORM_FIELDS)
    client.send(frames.headers(client.next_stream(), head, ended=False))
    assert client.ping()


def idle(stack: ExitStack, port: int) -> None:
    connection = connect(stack, port)
    connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("begin", [half_a_head, half_a_form, half_a_form_over_http2, idle])
def test_slow_clients_keep_nobody_out(proxy: Proxy, begin: Callable[[ExitStack, int], None]) -> None:
    with ExitStack() as stack:
        for _ in range(ADMIN_CONNECTIONS):
            begin(stack, proxy.admin)
        for _ in range(20):
            assert http.request(proxy.admin, "localhost", "/ping").status == 200


def test_many_dashboards_keep_nobody_out_and_none_loses_its_figures(proxy: Proxy) -> None:
    with ExitStack() as stack:
        listening = []
        for number in range(ADMIN_CONNECTIONS):
            connection = connect(stack, proxy.admin)
            connection.sendall(EVENTS)
            expected = b"HTTP/1.1 200 " if number < MAX_LISTENERS else b"HTTP/1.1 503 "
            assert connection.recv(65536).startswith(expected)
            if number < MAX_LISTENERS:
                listening.append(connection)
        for _ in range(20):
            assert http.request(proxy.admin, "localhost", "/ping").status == 200
        for connection in listening:
            received = b""
            while b"event: sample" not in received:
                more = connection.recv(65536)
                assert more, received
                received += more


@pytest.mark.parametrize("first", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half a ClientHello"])
def test_slow_handshakes_keep_nobody_out(first: bytes) -> None:
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        directory = Path(name)
        certificate = write_certificate(directory / "own.pem", "DNS:localhost")
        flags = (f"--web.certFile={certificate}", f"--web.keyFile={certificate}")
        store = stack.enter_context(Store(directory))
        proxy = stack.enter_context(running_proxy(directory, store, *flags))
        for _ in range(ADMIN_CONNECTIONS):
            connect(stack, proxy.admin).sendall(first)
        context = ssl.create_default_context(cafile=certificate)
        for _ in range(5):
            with context.wrap_socket(connect(stack, proxy.admin), server_hostname="localhost") as secure:
                secure.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                assert secure.recv(65536).startswith(b"HTTP/1.1 200 ")
