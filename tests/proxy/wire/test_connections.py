"""Connections of clients and to servers: reused, pipelined, ended, and many at the same time."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.lab import http
from tests.lab.origin import Connection, Silent, Start, http_response
from tests.lab.ports import free_port
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

HELLO = http_response(b"hello")


def echo_target(connection: Connection) -> None:
    while (request := connection.read()) is not None:
        response = http_response(request.target.encode() + b" " + request.body)
        head, _, _ = response.partition(b"\r\n\r\n")
        connection.send(head + b"\r\n\r\n" if request.method == "HEAD" else response)


def test_pipelined_requests_get_responses_in_order(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(echo_target)
    host = proxy.route(seen)
    client.send(
        f"GET /1 HTTP/1.1\r\nHost: {host}\r\n\r\n"
        f"POST /2 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\nabc"
        f"POST /3 HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
        f"HEAD /4 HTTP/1.1\r\nHost: {host}\r\n\r\n"
        "GET /5 HTTP/1.1\r\nHost: nowhere.test\r\n\r\n"
        f"GET /6 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        f"GET /7 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    )
    assert client.answer().body == b"/1 "
    assert client.answer().body == b"/2 abc"
    assert client.answer().body == b"/3 2\r\nde\r\n0\r\n\r\n"
    assert client.answer("HEAD").status == 200
    assert client.answer().status == 404
    last = client.answer()
    assert (last.body, last.header("Connection")) == (b"/6 ", "close")
    assert client.ended(), "bytes after a request with `close` are no request"
    assert [request.target for request in seen.requests] == ["/1", "/2", "/3", "/4", "/6"]
    assert seen.connections == 1


def test_a_pipeline_split_at_every_byte(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(echo_target))
    data = (
        f"POST /1 HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
        f"PUT /2 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\nbc"
    ).encode()
    for split in range(1, len(data)):
        with Client(proxy.web) as client:
            client.send(data[:split])
            client.send(data[split:])
            assert client.answer().body.replace(b"\r\n", b"") in {b"/1 1a0", b"/1 10"}
            assert client.answer().body == b"/2 bc"


@pytest.mark.parametrize(
    ("version", "line", "kept"),
    [
        ("1.1", "A: b", True),
        ("1.1", "Connection: close", False),
        ("1.0", "A: b", False),
        ("1.0", "Connection: keep-alive", True),
    ],
)
@pytest.mark.parametrize("host", ["served", "nowhere.test"])
def test_a_client_s_connection_stays_open_as_requested(
    proxy: Proxy, client: Client, origin: Start, version: str, line: str, kept: bool, host: str
) -> None:
    seen = origin(HELLO)
    served = proxy.route(seen)
    name = served if host == "served" else host
    for _ in range(2 if kept else 1):
        client.send(f"GET / HTTP/{version}\r\nHost: {name}\r\n{line}\r\n\r\n".encode())
        response = client.answer()
        assert response.status == (200 if host == "served" else 404)
        connection_header = response.header("Connection")
        assert connection_header in ({None, "keep-alive"} if kept else {"close"})
        if version == "1.0" and kept:
            assert connection_header == "keep-alive"
    if not kept:
        assert client.ended()


def test_a_server_that_closes_after_each_response(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(http_response(b"hello", headers=("Connection: close",)))

    seen = origin(handler)
    host = proxy.route(seen)
    for _ in range(3):
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        response = client.answer()
        assert (response.status, response.header("Connection")) == (200, None)
    assert seen.connections == 3


@pytest.mark.parametrize("kept", [True, False])
def test_an_http_1_0_server(proxy: Proxy, client: Client, origin: Start, kept: bool) -> None:
    line = b"Connection: keep-alive\r\n" if kept else b""

    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(b"HTTP/1.0 200 OK\r\n%bContent-Length: 5\r\n\r\nhello" % line)
            if not kept:
                return

    seen = origin(handler)
    host = proxy.route(seen)
    for _ in range(2):
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        response = client.answer()
        assert response.head == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert seen.connections == (1 if kept else 2)


def test_an_incomplete_head_is_no_request(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nA: ".encode())
    client.half_close()
    assert client.ended()
    assert seen.connections == 0


@pytest.mark.parametrize(
    ("what", "status"),
    [("unknown host", 404), ("no servers", 503), ("middlewares", 503), ("no service", 503)],
)
@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("\r\n", True),
        ("Content-Length: 2\r\n\r\nhi", True),
        ("Content-Length: 200\r\n\r\nhi", False),
        ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        ("Content-Length: 2\r\nExpect: 100-continue\r\n\r\n", False),
    ],
)
def test_refusals_of_the_proxy(
    proxy: Proxy, client: Client, origin: Start, what: str, status: int, body: str, kept: bool
) -> None:
    seen = origin(HELLO)
    host = "nowhere.test"
    if what == "no servers":
        host = proxy.route()
    elif what == "middlewares":
        host = proxy.route(seen, middlewares=("auth@file",))
    elif what == "no service":
        host = proxy.route(seen, service="missing@file")
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\n{body}".encode())
    response = client.answer()
    assert (response.status, response.header("Connection")) == (status, None if kept else "close")
    if kept:
        client.send(b"GET / HTTP/1.1\r\nHost: nowhere.test\r\n\r\n")
        assert client.answer().status == 404
    else:
        assert client.ended()
    assert seen.connections == 0


def test_a_refused_head_request_gets_no_body(proxy: Proxy, client: Client) -> None:
    for _ in range(2):
        client.send(b"HEAD / HTTP/1.1\r\nHost: nowhere.test\r\n\r\n")
        assert client.answer("HEAD").status == 404


def test_many_concurrent_connections(proxy: Proxy, origin: Start) -> None:
    count = 300
    everybody = threading.Semaphore(0)
    go = threading.Event()

    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target.startswith("/wait"):
                everybody.release()
                assert go.wait(60)
            connection.send(http_response(request.target.encode()))

    seen = origin(handler)
    host = proxy.route(seen)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(proxy.web, timeout=30)) for _ in range(count)]
        for number, client in enumerate(clients):
            client.send(f"GET /wait{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        for _ in range(count):
            assert everybody.acquire(timeout=60)
        # All requests run at the same time, and others are still served.
        assert proxy.get(host, "/quick") == "/quick"
        go.set()
        for number, client in enumerate(clients):
            assert client.answer().body == f"/wait{number}".encode()
        for number, client in enumerate(clients):
            client.send(f"GET /again{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        for number, client in enumerate(clients):
            assert client.answer().body == f"/again{number}".encode()
    assert len(seen.requests) == 2 * count + 1


def test_a_refused_connection_gives_502(proxy: Proxy, client: Client) -> None:
    host = proxy.route(free_port())
    for _ in range(2):
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\nhi".encode())
        response = client.answer()
        assert (response.status, response.header("Connection")) == (502, None)


def test_a_request_of_a_client_library(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(HELLO))
    assert http.request(proxy.web, host).text == "hello"


@pytest.mark.parametrize("leave", [Client.reset, Client.half_close])
def test_a_client_that_leaves_before_the_response_ends_the_server_s_request(
    proxy: Proxy, origin: Start, leave: Callable[[Client], None]
) -> None:
    silent = Silent()
    seen = origin(silent)
    host = proxy.route(seen)
    with Client(proxy.web) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        seen.wait_for_requests(1)
        leave(client)
        assert silent.ended.wait(30)
    assert len(seen.requests) == 1
