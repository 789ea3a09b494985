"""Responses as a client receives them."""

import hashlib
import random
import threading
from pathlib import Path

import pytest

from tests.lab.origin import Connection, Handler, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Answer, Client, CutError

HELLO = http_response(b"hello")


def request_bytes(host: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} / HTTP/{version}", f"Host: {host}", *lines, "", ""]).encode()


def then_close(response: bytes) -> Handler:
    """Return a handler that sends this response to the first request, and closes the connection."""

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(response)

    return handler


def each(response: bytes) -> Handler:
    """Return a handler that sends this response to every request."""

    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(response)

    return handler


def test_headers_reach_the_client_in_order_and_case(proxy: Proxy, client: Client, origin: Start) -> None:
    lines = [b"x-b: 2", b"X-A:1", b"Set-Cookie: a", b"SET-cookie:  b ", b"Latin: \xe9", b"CONTENT-length: 2"]
    sent = b"\r\n".join([b"HTTP/1.1 299 Odd phrase \xe9", *lines, b"", b""])
    host = proxy.route(origin(each(sent + b"hi")))
    client.send(request_bytes(host))
    assert client.head() == sent
    assert client.exactly(2) == b"hi"


def test_hop_by_hop_lines_do_not_reach_the_client(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(
        each(
            b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nX-Secret: 1\r\nConnection: keep-alive, X-Secret\r\n"
            b"Upgrade: h2c\r\nA: b\r\nContent-Length: 0\r\n\r\n"
        )
    )
    host = proxy.route(seen)
    for _ in range(2):
        client.send(request_bytes(host))
        assert client.answer().lines == [b"A: b", b"Content-Length: 0"]
    assert seen.connections == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n0003   \r\nllo\r\n0;x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    ],
)
@pytest.mark.parametrize("pieces", ["whole", "bytes"])
def test_a_body_is_complete_with_any_framing(
    proxy: Proxy, client: Client, origin: Start, sent: bytes, pieces: str
) -> None:
    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            for piece in [sent] if pieces == "whole" else [sent[at : at + 1] for at in range(len(sent))]:
                connection.send(piece)

    seen = origin(handler)
    host = proxy.route(seen)
    for _ in range(2):
        client.send(request_bytes(host))
        response = client.answer()
        assert (response.status, response.body, response.header("Connection")) == (200, b"hello", None)
    assert seen.connections == 1


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_response_until_close(proxy: Proxy, client: Client, origin: Start, version: str) -> None:
    seen = origin(then_close(b"HTTP/%b 200 OK\r\nA: b\r\n\r\nhello" % version.encode()))
    host = proxy.route(seen)
    for _ in range(2):
        client.send(request_bytes(host))
        response = client.answer()
        assert (response.status, response.body) == (200, b"hello")
        assert response.head.startswith(b"HTTP/1.1 200 OK\r\nA: b\r\n")
    assert seen.connections == 2


def test_an_empty_response_until_close(proxy: Proxy, client: Client, origin: Start) -> None:
    host = proxy.route(origin(then_close(b"HTTP/1.0 200 OK\r\n\r\n")))
    for _ in range(2):
        client.send(request_bytes(host))
        assert client.answer().body == b""


@pytest.mark.parametrize(
    ("method", "sent", "lines"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", [b"Content-Length: 9"]),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", []),
        ("HEAD", b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", [b"A: b"]),
        ("GET", b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", [b"A: b"]),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", []),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", [b"Content-Length: 9"]),
        ("POST", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", [b"ETag: x"]),
    ],
)
def test_responses_without_a_body(
    proxy: Proxy, client: Client, origin: Start, method: str, sent: bytes, lines: list[bytes]
) -> None:
    seen = origin(each(sent))
    host = proxy.route(seen)
    for _ in range(2):
        client.send(request_bytes(host, method=method))
        assert client.answer("HEAD").lines == lines
    assert seen.connections == 1


def test_bytes_after_a_response_reach_no_client(proxy: Proxy, client: Client, origin: Start) -> None:
    for sent in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ):
        seen = origin(each(sent + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
        host = proxy.route(seen)
        for _ in range(3):
            client.send(request_bytes(host))
            assert client.answer().body == (b"" if b" 204 " in sent else b"hi")
        assert seen.connections == 3


def test_interim_responses_pass(proxy: Proxy, client: Client, origin: Start) -> None:
    sent = (
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close\r\n\r\n"
    )
    seen = origin(each(sent + HELLO))
    host = proxy.route(seen)
    for _ in range(2):
        client.send(request_bytes(host))
        assert client.answer() == Answer(b"HTTP/1.1 102 Processing\r\n\r\n")
        assert client.answer() == Answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        assert client.answer().body == b"hello"
    assert seen.connections == 1


def test_an_interim_response_passes_before_the_final_one(proxy: Proxy, client: Client, origin: Start) -> None:
    received = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n")
        assert received.wait(30)
        connection.send(HELLO)

    host = proxy.route(origin(handler))
    client.send(request_bytes(host))
    assert client.answer().status == 103
    received.set()
    assert client.answer().status == 200


def test_an_http_1_0_client_sees_no_interim_response(proxy: Proxy, client: Client, origin: Start) -> None:
    host = proxy.route(origin(each(b"HTTP/1.1 103 Early Hints\r\n\r\n" + HELLO)))
    client.send(request_bytes(host, version="1.0"))
    assert client.answer().status == 200


def test_a_chunked_response_to_an_http_1_0_client_ends_with_the_connection(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    host = proxy.route(
        origin(each(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n"))
    )
    client.send(request_bytes(host, "Connection: keep-alive", version="1.0"))
    response = client.answer()
    assert (response.body, response.lines) == (b"hello", [b"Connection: close"])


def test_trailers_reach_the_client(proxy: Proxy, client: Client, origin: Start) -> None:
    sent = b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: x\r\nContent-Length: 3\r\n\r\n"
    host = proxy.route(
        origin(each(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" + sent))
    )
    client.send(request_bytes(host))
    response = client.answer()
    assert (response.body, response.trailers) == (b"hello", b"X-Sum: 1\r\n")
    assert response.header("Trailer") == "X-Sum"


def test_pieces_reach_the_client_as_they_arrive(proxy: Proxy, client: Client, origin: Start) -> None:
    received = threading.Semaphore(0)

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"):
            assert received.acquire(timeout=60)
            connection.send(piece)

    host = proxy.route(origin(handler))
    client.send(request_bytes(host))
    assert client.head().startswith(b"HTTP/1.1 200")
    for piece in (b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"):
        received.release()
        assert client.exactly(len(piece)) == piece


LARGE = random.Random(1).randbytes(5_000_000)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_large_response(proxy: Proxy, client: Client, origin: Start, framing: str) -> None:
    def handler(connection: Connection) -> None:
        while connection.read() is not None:
            if framing == "length":
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE) + LARGE)
                continue
            if framing == "close":
                connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + LARGE)
                return
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(LARGE), 100_003):
                piece = LARGE[at : at + 100_003]
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")

    host = proxy.route(origin(handler))
    for _ in range(2):
        client.send(request_bytes(host))
        assert hashlib.sha256(client.answer().body).digest() == hashlib.sha256(LARGE).digest()


def buffer_limit(name: str) -> int:
    """Return the most bytes of a buffer of a TCP connection."""
    return int(Path("/proc/sys/net/ipv4", name).read_text().split()[2])


def test_a_slow_reader_delays_its_server_and_no_one_else(proxy: Proxy, client: Client, origin: Start) -> None:
    taken: list[int] = [0]

    def handler(connection: Connection) -> None:
        request = connection.read()
        assert request
        if request.target == "/small":
            connection.send(HELLO)
            return
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        connection.socket.settimeout(0.5)
        piece = bytes(1 << 16)
        try:
            while True:
                taken[0] += connection.socket.send(piece)
        except TimeoutError:
            stuck.set()

    stuck = threading.Event()
    host = proxy.route(origin(handler))
    client.send(request_bytes(host))
    assert stuck.wait(30), "the server could send without limit"
    # The kernel's buffers of two connections, and little more.
    assert taken[0] < 2 * (buffer_limit("tcp_rmem") + buffer_limit("tcp_wmem")) + 1_000_000
    assert proxy.get(host, "/small") == "hello"


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"half"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", b"hel"),
    ],
)
@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_response_cut_short_is_visibly_cut(
    proxy: Proxy, client: Client, origin: Start, sent: bytes, received: bytes, end: str
) -> None:
    passed_on = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(sent)
        # A reset may overtake bytes that were sent before it.
        assert passed_on.wait(30)
        if end == "reset":
            connection.reset()

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(request_bytes(host))
    head = client.head()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    passed_on.set()
    rest = client.rest()
    assert received in rest
    assert not rest.endswith(b"0\r\n\r\n")
    assert len(rest) < 30
    assert len(seen.requests) == 1, "a response that has begun is not requested again"


def test_a_reset_in_a_response_until_close_is_visibly_a_cut(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    passed_on = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        assert passed_on.wait(30)
        connection.reset()

    host = proxy.route(origin(handler))
    client.send(request_bytes(host))
    client.head()
    assert client.exactly(9) == b"4\r\nhalf\r\n"
    passed_on.set()
    assert client.ended(), "without a last chunk"


def test_an_http_1_0_client_notices_a_cut_by_a_reset(proxy: Proxy, client: Client, origin: Start) -> None:
    host = proxy.route(
        origin(then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"))
    )
    client.send(request_bytes(host, version="1.0"))
    with pytest.raises(ConnectionResetError):
        client.answer()


def test_a_cut_response_with_a_length_raises_in_a_client(proxy: Proxy, client: Client, origin: Start) -> None:
    host = proxy.route(origin(then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")))
    client.send(request_bytes(host, version="1.0"))
    with pytest.raises(CutError) as cut:
        client.answer()
    assert cut.value.received == b"half"
