"""Limits in the settings: request line, head, body, connections."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.origin import Connection, Start, http_response
from tests.lab.ports import free_port
from tests.proxy.running import Proxy, watched
from tests.proxy.wire.client import Client
from tests.proxy.wire.conftest import started

HELLO = http_response(b"hello")


@pytest.fixture(scope="module")
def narrow_proxy(directory: Path) -> Iterator[Proxy]:
    yield from started(
        directory,
        "narrow",
        "--limits.targetBytes=100",
        "--limits.headBytes=1000",
        "--limits.headerCount=5",
        "--limits.bodyBytes=1000",
    )


@pytest.fixture
def proxy(narrow_proxy: Proxy) -> Iterator[Proxy]:
    yield from watched(narrow_proxy)


def head(host: str, *lines: str, target: str = "/", method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


def test_heads_within_their_limits_pass_and_others_are_refused(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    target = "/" + "a" * 86
    padding = 1000 - len(head(host, "A: ", method="GET"))
    good = [
        head(host, target=target, method="GET"),
        head(host, *["A: b"] * 4, method="GET"),
        head(host, "A: " + "b" * padding, method="GET"),
    ]
    for data in good:
        client.send(data)
        assert client.answer().status == 200
    bad = [
        (head(host, target=target + "a", method="GET"), 414),
        (head(host, *["A: b"] * 5, method="GET"), 431),
        (head(host, "A: " + "b" * (padding + 1), method="GET"), 431),
    ]
    for data, status in bad:
        with Client(proxy.web) as other:
            other.send(data)
            assert other.answer().status == status
            assert other.ended()
    assert len(seen.requests) == len(good)


@pytest.mark.parametrize("expecting", [False, True])
def test_a_length_above_the_limit_reaches_no_server(
    proxy: Proxy, client: Client, origin: Start, expecting: bool
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(head(host, "Content-Length: 1000") + bytes(1000))
    assert client.answer().status == 200
    client.send(head(host, "Content-Length: 1001", *["Expect: 100-continue"] * expecting))
    response = client.answer()
    assert (response.status, response.header("Connection")) == (413, "close")
    assert client.ended()
    assert seen.connections == len(seen.requests) == 1


def test_a_complete_body_above_the_limit_leaves_the_connection_open(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(head(host, "Content-Length: 1001") + bytes(1001))
    response = client.answer()
    assert response.status == 413
    if response.header("Connection") == "keep-alive":
        client.send(head(host, method="GET"))
        assert client.answer().status == 200
    assert all(request.method == "GET" for request in seen.requests)


def test_chunks_within_the_limit(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    # Only content counts, not its framing.
    client.send(head(host, "Transfer-Encoding: chunked") + b"1;a=b\r\nx\r\n" * 1000 + b"0\r\n\r\n")
    assert client.answer().status == 200
    assert seen.requests[0].body.count(b"x") == 1000


def test_received_chunks_above_the_limit_reach_no_server(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    client.send(head(host, "Transfer-Encoding: chunked") + b"3e9\r\n%b\r\n0\r\n\r\n" % bytes(1001))
    response = client.answer()
    assert (response.status, response.header("Connection")) == (413, "close")
    assert client.ended()
    assert seen.connections == 0


def test_later_chunks_above_the_limit_end_both_connections(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    received = bytearray()
    begun, left = threading.Event(), threading.Event()

    def handler(connection: Connection) -> None:
        while data := connection.receive():
            received.extend(data)
            begun.set()
        left.set()

    host = proxy.route(origin(handler))
    client.send(head(host, "Transfer-Encoding: chunked") + b"3e8\r\n%b\r\n" % (b"x" * 1000))
    assert begun.wait(30)
    client.send(b"1\r\ny\r\n0\r\n\r\n")
    response = client.answer()
    assert (response.status, response.header("Connection")) == (413, "close")
    assert client.ended()
    assert left.wait(30)
    assert b"y" not in received
    assert not received.endswith(b"0\r\n\r\n")


@pytest.fixture
def crowded(directory: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Proxy, int]]:
    """A proxy whose only worker accepts three connections, and the port of a second entry point."""
    second = free_port()
    for proxy in started(
        directory, "crowded", "--limits.connections=3", f"--entryPoints.second.address=127.0.0.1:{second}"
    ):
        yield proxy, second


def test_connections_above_the_limit_wait_for_another_to_end(
    crowded: tuple[Proxy, int], origin: Start
) -> None:
    proxy, second = crowded
    host = proxy.route(origin(HELLO))
    get = head(host, method="GET")
    with ExitStack() as stack:
        ports = [proxy.web, second, proxy.web]
        first = [stack.enter_context(Client(port)) for port in ports]
        for client in first:
            client.send(get)
            assert client.answer().status == 200
        # The kernel completes their handshakes; the worker does not read from them.
        waiting = [stack.enter_context(Client(port, timeout=0.5)) for port in (proxy.web, second)]
        for client in waiting:
            client.send(get)
            with pytest.raises(TimeoutError):
                client.answer()
        for gone, client in zip(first, waiting, strict=False):
            gone.socket.close()
            client.socket.settimeout(30)
        for client in waiting:
            assert client.answer().status == 200
        first[2].send(get)
        assert first[2].answer().status == 200
