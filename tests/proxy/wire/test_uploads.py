"""Request bodies: large, with 100 Continue, with early responses, and aborted."""

import hashlib
import random
import socket
import threading

import pytest

from tests.lab.origin import Connection, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

HELLO = http_response(b"hello")
LARGE = random.Random(2).randbytes(5_000_000)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def posting(host: str, *lines: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} / HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_body(proxy: Proxy, client: Client, origin: Start, framing: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for _ in range(2):
        if framing == "length":
            client.send(posting(host, f"Content-Length: {len(LARGE)}") + LARGE)
        else:
            client.send(posting(host, "Transfer-Encoding: chunked"))
            for at in range(0, len(LARGE), 70_001):
                piece = LARGE[at : at + 70_001]
                client.send(b"%x;ext\r\n%b\r\n" % (len(piece), piece))
            client.send(b"0\r\n\r\n")
        assert client.answer().body == b"hello"
    assert seen.connections == 1
    for request in seen.requests:
        body = request.body
        if framing == "chunked":
            assert b";ext" not in body[:20]
            body = unchunked(body)
        assert hashlib.sha256(body).digest() == hashlib.sha256(LARGE).digest()


def unchunked(data: bytes) -> bytes:
    pieces = []
    at = 0
    while True:
        end = data.index(b"\r\n", at)
        size = int(data[at:end], 16)
        if not size:
            return b"".join(pieces)
        pieces.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


@pytest.mark.parametrize("framing", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_client_that_waits_for_100_continue(
    proxy: Proxy, client: Client, origin: Start, framing: str
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for _ in range(2):
        client.send(posting(host, framing, "Expect: 100-continue"))
        assert client.head() == CONTINUE
        client.send(b"hello" if "Length" in framing else b"5\r\nhello\r\n0\r\n\r\n")
        assert client.answer().body == b"hello"
    assert [request.all("Expect") for request in seen.requests] == [["100-continue"]] * 2
    assert seen.connections == 1


def test_a_client_that_does_not_wait_for_100_continue(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for _ in range(2):
        client.send(posting(host, "Content-Length: 5", "Expect: 100-continue") + b"hello")
        assert client.head() == CONTINUE
        assert client.answer().body == b"hello"
    assert [request.body for request in seen.requests] == [b"hello"] * 2


def test_a_server_that_reads_without_100_continue(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        assert connection.read()
        connection.send(HELLO)

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(posting(host, "Content-Length: 5", "Expect: 100-continue"))
    seen.wait_for_requests(1)
    client.send(b"hello")
    assert client.answer().body == b"hello"
    assert seen.requests[0].body == b"hello"


def test_a_server_that_refuses_instead_of_100_continue(proxy: Proxy, client: Client, origin: Start) -> None:
    left = threading.Event()

    def handler(connection: Connection) -> None:
        assert connection.read_head()
        connection.send(http_response(b"no", "417 Expectation Failed"))
        assert connection.receive() == b"", "the body must not follow"
        left.set()

    host = proxy.route(origin(handler))
    client.send(posting(host, "Content-Length: 5", "Expect: 100-continue"))
    response = client.answer()
    # The next bytes on this connection could be the body or a request.
    assert (response.status, response.body, response.header("Connection")) == (417, b"no", "close")
    assert left.wait(30)
    assert client.ended()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_response_before_the_body_ends(proxy: Proxy, client: Client, origin: Start, framing: str) -> None:
    left = threading.Event()

    def handler(connection: Connection) -> None:
        assert connection.read_head()
        connection.send(http_response(b"too large", "413 Content Too Large"))
        while connection.receive():
            pass
        left.set()

    seen = origin(handler)
    host = proxy.route(seen)
    if framing == "length":
        client.send(posting(host, "Content-Length: 1000000") + b"some")
    else:
        client.send(posting(host, "Transfer-Encoding: chunked") + b"4\r\nsome\r\n")
    response = client.answer()
    assert (response.status, response.body, response.header("Connection")) == (413, b"too large", "close")
    assert left.wait(30), "the server's connection ends in the middle of a request"
    assert client.ended()
    assert len(seen.requests) == 1


def test_a_response_and_close_before_a_large_body_ends_reach_the_client(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        assert connection.read_head()
        connection.send(http_response(b"too large", "413 Content Too Large", ("Connection: close",)))

    host = proxy.route(origin(handler))
    data = posting(host, "Content-Length: 900000") + bytes(900_000)
    sender = threading.Thread(target=client.send, args=(data,))
    sender.start()
    response = client.answer()
    # The server's reset may have overtaken its response; then there is none.
    assert response.status in {413, 502}
    if response.header("Connection") == "close":
        assert client.ended()
    sender.join(60)
    assert not sender.is_alive()


def test_both_directions_at_the_same_time(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            piece = connection.receive(1)
            connection.send(b"1\r\n%b\r\n" % piece.upper())
        connection.send(b"0\r\n\r\n")

    host = proxy.route(origin(handler))
    client.send(posting(host, "Content-Length: 5"))
    assert client.head().startswith(b"HTTP/1.1 200 OK\r\n")
    for letter in (b"h", b"e", b"l", b"l", b"o"):
        client.send(letter)
        assert client.exactly(6) == b"1\r\n%b\r\n" % letter.upper()
    assert client.exactly(5) == b"0\r\n\r\n"
    assert client.ended()


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_server_that_ends_during_an_upload_gives_502(
    proxy: Proxy, client: Client, origin: Start, method: str, end: str
) -> None:
    def handler(connection: Connection) -> None:
        connection.read_head()
        connection.receive(1)
        if end == "reset":
            connection.reset()

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(posting(host, "Content-Length: 100", method=method))
    seen.wait_for_requests(1)
    client.send(b"a")
    response = client.answer()
    assert (response.status, response.header("Connection")) == (502, "close")
    # The proxy keeps reading the body for a while, so that no reset destroys the response.
    client.send(b"b" * 99)
    assert client.ended()
    assert len(seen.requests) == 1, "a body that has been started cannot be sent again"


@pytest.mark.parametrize("end", ["close", "reset", "half-close"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_that_leaves_during_an_upload_ends_the_server_s_request(
    proxy: Proxy, client: Client, origin: Start, end: str, framing: str
) -> None:
    left = threading.Event()

    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        if request.target == "/well":
            connection.send(HELLO)
            return
        try:
            connection.read_body(request)
        except OSError:
            left.set()

    seen = origin(handler)
    host = proxy.route(seen)
    if framing == "length":
        client.send(posting(host, "Content-Length: 100") + b"some")
    else:
        client.send(posting(host, "Transfer-Encoding: chunked") + b"4\r\nsome\r\n")
    seen.wait_for_requests(1)
    if end == "close":
        client.socket.close()
    elif end == "reset":
        client.reset()
    else:
        client.half_close()
        assert client.answer().status == 400
    assert left.wait(30)
    assert proxy.get(host, "/well") == "hello"
    assert len(seen.requests) == 2


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_client_that_leaves_during_a_download_ends_the_server_s_response(
    proxy: Proxy, client: Client, origin: Start, end: str
) -> None:
    left = threading.Event()

    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        if request.target == "/well":
            connection.send(HELLO)
            return
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                connection.send(bytes(1 << 16))
        except OSError:
            left.set()

    host = proxy.route(origin(handler))
    client.send(posting(host, method="GET"))
    client.head()
    client.exactly(100_000)
    if end == "reset":
        client.reset()
    else:
        client.socket.close()
    assert left.wait(30)
    assert proxy.get(host, "/well") == "hello"


def test_a_malformed_body_after_the_response_began_cuts_it(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        while connection.receive():
            pass

    host = proxy.route(origin(handler))
    client.send(posting(host, "Transfer-Encoding: chunked"))
    client.head()
    assert client.exactly(9) == b"4\r\nhalf\r\n"
    client.send(b"rubbish\r\n")
    assert client.ended(), "without a last chunk"


def test_a_malformed_body_after_an_interim_response_is_a_400(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        connection.read_head()
        connection.send(CONTINUE)
        while connection.receive():
            pass

    host = proxy.route(origin(handler))
    client.send(posting(host, "Transfer-Encoding: chunked", "Expect: 100-continue"))
    assert client.head() == CONTINUE
    client.send(b"rubbish\r\n")
    assert client.answer().status == 400
    assert client.ended()


def test_a_long_body_does_not_go_to_a_connection_that_has_ended(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        if connection.read() is None:
            return
        # The response and the end of the connection leave in one segment.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.send(HELLO)

    seen = origin(handler)
    host = proxy.route(seen)
    put = posting(host, f"Content-Length: {len(LARGE)}", method="PUT")
    client.send(posting(host, method="GET") + put + LARGE)
    assert [client.answer().status for _ in range(2)] == [200, 200]
    assert seen.requests[-1].body == LARGE
