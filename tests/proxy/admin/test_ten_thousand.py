"""With ten thousand routers, requests are served while the API answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.rules.expression import Match, Rule
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpService
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService
from tests.lab import http
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy

COUNT = 10_000

SOME = 3
"""Requests that must get a response meanwhile; one or two at the start and the end may be chance."""

TRIES = 10
"""Attempts, of which one must succeed: on a busy machine, the client itself may not get to send."""


def published(store: Store) -> None:
    names = [f"r{number}@docker" for number in range(COUNT)]
    routers = {name: Router(name, v3.parse(f"Host(`{name[:-7]}.test`)"), name, 10) for name in names}
    services = {name: Service(name, (Server("s", "127.0.0.1", 1),)) for name in names}
    found = tuple(
        Diagnostic(Severity.WARNING, "docker", f"router {name}", "not all as it was written")
        for name in names[::10]
    )
    layer4 = {
        "tcp_routers": {name: _tcp_router(name) for name in names},
        "tcp_services": {name: TcpService(name, (TcpServer("s", "127.0.0.1", 1),)) for name in names},
        "udp_routers": {name: UdpRouter(name, name, (f"udp-{name[:-7]}",)) for name in names},
        "udp_services": {name: UdpService(name, (UdpServer("s", "127.0.0.1", 1),)) for name in names},
    }
    with connect(store.url) as client:
        Publisher(client, Keys()).publish(Configuration(routers, services, diagnostics=found, **layer4))


def _tcp_router(name: str) -> TcpRouter:
    host = f"{name[:-7]}.test"
    return TcpRouter(name, Rule(f"HostSNI(`{host}`)", Match("HostSNI", (host,))), name, 10, tls=True)


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with TemporaryDirectory(prefix="rp-") as name, Store(Path(name)) as store:
        directory = Path(name)
        published(store)
        with running_proxy(directory, store) as proxy:
            until(lambda: proxy.status("r1.test") == 502, "the routers in force")
            yield proxy


@contextmanager
def load(proxy: Proxy) -> Iterator[list[int]]:
    """Send one request after the other over one connection; the list grows with each response."""
    answered: list[int] = []
    ended = threading.Event()
    connection = socket.create_connection(("127.0.0.1", proxy.web), timeout=90)

    def ask() -> None:
        while not ended.is_set():
            connection.sendall(b"GET / HTTP/1.1\r\nHost: none.test\r\n\r\n")
            received = b""
            while b"404 page not found" not in received:
                received += connection.recv(65536)
            answered.append(len(received))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answered
    finally:
        ended.set()
        thread.join()
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        f"/api/http/routers?per_page={COUNT}",
        f"/api/http/services?per_page={COUNT}",
        "/api/http/routers?status=warning&per_page=5000",
        "/api/http/routers?sortBy=status&direction=desc",
        f"/api/tcp/routers?per_page={COUNT}",
        f"/api/tcp/services?per_page={COUNT}",
        "/api/tcp/routers?sortBy=status&direction=desc&search=99",
        f"/api/udp/routers?per_page={COUNT}",
        f"/api/udp/services?per_page={COUNT}",
        "/api/rawdata",
        "/api",
        "/api/overview",
        "/api/explain?url=http://r10001.test/",
        "/api/explain?url=http://unknown.test/",
    ],
)
def test_requests_are_served_meanwhile(proxy: Proxy, path: str) -> None:
    assert json.loads(served_meanwhile(proxy, path).body)


def served_meanwhile(proxy: Proxy, path: str) -> http.Response:
    """Return the response of the admin entry point; assert that requests were served meanwhile."""
    meanwhile = []
    for _ in range(TRIES):
        with load(proxy) as answered:
            until(lambda answered=answered: answered, "the first answer")
            before = len(answered)
            response = http.request(proxy.admin, "localhost", path, timeout=90)
            meanwhile.append(len(answered) - before)
        assert response.status == 200
        if meanwhile[-1] >= SOME:
            return response
    raise AssertionError(f"served meanwhile: {meanwhile}")


@pytest.mark.parametrize(
    ("query", "count"), [("status=warning", COUNT // 10), ("protocol=tcp", COUNT), ("protocol=udp", COUNT)]
)
def test_requests_are_served_while_the_dashboard_renders(proxy: Proxy, query: str, count: int) -> None:
    response = served_meanwhile(proxy, f"/dashboard/?{query}")
    assert f"of {count:,}" in response.text
    # The dashboard shows only one page of ten thousand.
    assert len(response.body) < 100_000


def test_the_numbers_are_right(proxy: Proxy) -> None:
    found = json.loads(http.request(proxy.admin, "localhost", "/api/overview").body)
    assert found["http"]["routers"] == {"total": COUNT, "warnings": COUNT // 10, "errors": 0}
    last = http.request(proxy.admin, "localhost", f"/api/http/routers?page={COUNT // 100}")
    assert (len(json.loads(last.body)), last.header("X-Next-Page")) == (100, "1")
    found = json.loads(http.request(proxy.admin, "localhost", "/api/http/routers?search=r9999").body)
    assert [item["name"] for item in found] == ["r9999@docker"]
