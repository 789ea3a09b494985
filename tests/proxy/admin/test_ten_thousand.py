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

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration, Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab import http
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy

COUNT = 10_000

SOME = 3
"""Requests that have to be answered meanwhile: one or two may be by chance, at the beginning and the end."""

TRIES = 10
"""Of which one has to do: a client that is kept from asking has no turn to miss."""


def published(store: Store) -> None:
    names = [f"r{number}@docker" for number in range(COUNT)]
    routers = {name: Router(name, v3.parse(f"Host(`{name[:-7]}.test`)"), name, 10) for name in names}
    services = {name: Service(name, (Server("s", "127.0.0.1", 1),)) for name in names}
    found = tuple(
        Diagnostic(Severity.WARNING, "docker", f"router {name}", "not all as it was written")
        for name in names[::10]
    )
    with connect(store.url) as client:
        Publisher(client, Keys()).publish(Configuration(routers, services, diagnostics=found))


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with TemporaryDirectory(prefix="rp-") as name, Store(Path(name)) as store:
        directory = Path(name)
        published(store)
        with running_proxy(directory, store) as proxy:
            until(lambda: proxy.status("r1.test") == 502, "the routers in force")
            yield proxy


@contextmanager
def asking(proxy: Proxy) -> Iterator[list[int]]:
    """One request after the other over one connection; the list grows with each answer."""
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
        "/api/rawdata",
        "/api",
        "/api/overview",
        "/api/explain?url=http://r10001.test/",
        "/api/explain?url=http://unknown.test/",
    ],
)
def test_requests_have_their_turn_meanwhile(proxy: Proxy, path: str) -> None:
    assert json.loads(answered_meanwhile(proxy, path).body)


def answered_meanwhile(proxy: Proxy, path: str) -> http.Response:
    """The answer at the admin entry point, while which others were served."""
    meanwhile = []
    for _ in range(TRIES):
        with asking(proxy) as answered:
            until(lambda answered=answered: answered, "the first answer")
            before = len(answered)
            response = http.request(proxy.admin, "localhost", path, timeout=90)
            meanwhile.append(len(answered) - before)
        assert response.status == 200
        if meanwhile[-1] >= SOME:
            return response
    raise AssertionError(f"served meanwhile: {meanwhile}")


def test_requests_have_their_turn_while_the_dashboard_is_made(proxy: Proxy) -> None:
    response = answered_meanwhile(proxy, "/dashboard/?status=warning")
    assert f"of {COUNT // 10:,}" in response.text
    # What is shown of ten thousand is a page.
    assert len(response.body) < 100_000


def test_the_numbers_are_right(proxy: Proxy) -> None:
    found = json.loads(http.request(proxy.admin, "localhost", "/api/overview").body)
    assert found["http"]["routers"] == {"total": COUNT, "warnings": COUNT // 10, "errors": 0}
    last = http.request(proxy.admin, "localhost", f"/api/http/routers?page={COUNT // 100}")
    assert (len(json.loads(last.body)), last.header("X-Next-Page")) == (100, "1")
    found = json.loads(http.request(proxy.admin, "localhost", "/api/http/routers?search=r9999").body)
    assert [item["name"] for item in found] == ["r9999@docker"]
