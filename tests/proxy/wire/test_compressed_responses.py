"""Compressed responses on the wire: framing, streams, and the proxy's own responses."""

import threading
from collections.abc import Iterator

import pytest

from rondpoint.model import Middleware
from tests.lab.decoding import CODINGS, decode, is_complete
from tests.lab.origin import Connection, Origin, Start
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client, CutError

TEXT = b"".join(b"line %d of a text\n" % number for number in range(60_000))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
COMPRESS = Middleware("compress@x", "compress", {})


def sized(body: bytes) -> bytes:
    return b"%bContent-Length: %d\r\n\r\n%b" % (HEAD, len(body), body)


def chunked(*chunks: bytes) -> bytes:
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + coded


def served(proxy: Proxy, seen: Origin, *middlewares: Middleware) -> str:
    chain = (COMPRESS, *middlewares)
    proxy.middlewares.update((middleware.name, middleware) for middleware in chain)
    host = proxy.route(seen, middlewares=tuple(middleware.name for middleware in chain))
    proxy.publish()
    return host


def ask(
    client: Client, host: str, coding: str = "gzip", *, method: str = "GET", version: str = "1.1"
) -> None:
    client.send(f"{method} / HTTP/{version}\r\nHost: {host}\r\nAccept-Encoding: {coding}\r\n\r\n".encode())


@pytest.mark.parametrize("coding", CODINGS)
def test_a_long_body_arrives_compressed_in_chunks_and_the_connection_goes_on(
    proxy: Proxy, client: Client, origin: Start, coding: str
) -> None:
    seen = origin(sized(TEXT))
    host = served(proxy, seen)
    for _ in range(2):
        ask(client, host, coding)
        answer = client.answer()
        assert decode(coding, answer.body) == TEXT
        assert is_complete(coding, answer.body)
        assert len(answer.body) < len(TEXT) / 3
        assert answer.header("Content-Encoding") == coding
        assert answer.header("Vary") == "Accept-Encoding"
        assert answer.header("Content-Length") is None
    assert seen.connections == 1


def test_without_a_coding_the_body_arrives_as_sent(proxy: Proxy, client: Client, origin: Start) -> None:
    host = served(proxy, origin(sized(TEXT)))
    ask(client, host, "identity")
    answer = client.answer()
    assert answer.body == TEXT
    assert (answer.header("Content-Length"), answer.header("Vary")) == (str(len(TEXT)), "Accept-Encoding")


def test_an_http_1_0_client_gets_the_compressed_body_until_close(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    host = served(proxy, origin(sized(TEXT)))
    client.send(
        f"GET / HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\nAccept-Encoding: br\r\n\r\n".encode()
    )
    answer = client.answer()
    assert answer.header("Transfer-Encoding") is None
    assert answer.header("Connection") == "close"
    assert decode("br", answer.body) == TEXT


def test_trailers_stay(proxy: Proxy, client: Client, origin: Start) -> None:
    host = served(proxy, origin(chunked(TEXT[:9000], TEXT[9000:20000]) + b"0\r\nX-Sum: 1\r\n\r\n"))
    ask(client, host)
    answer = client.answer()
    assert decode("gzip", answer.body) == TEXT[:20000]
    assert answer.trailers == b"X-Sum: 1\r\n"


def test_a_body_until_the_end_of_the_connection_is_compressed(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def send(connection: Connection) -> None:
        connection.read()
        connection.send(HEAD + b"\r\n" + TEXT)

    host = served(proxy, origin(send))
    ask(client, host)
    assert decode("gzip", client.answer().body) == TEXT


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("head", [b"HTTP/1.1 304 Not Modified\r\n", b"HTTP/1.1 204 No Content\r\n"])
def test_a_response_without_a_body_stays_without(
    proxy: Proxy, client: Client, origin: Start, method: str, head: bytes
) -> None:
    host = served(proxy, origin(head + b"Content-Type: text/plain\r\n\r\n"))
    for _ in range(2):
        ask(client, host, method=method)
        answer = client.answer(method)
        assert answer.header("Content-Encoding") is None
        assert answer.header("Transfer-Encoding") is None


def test_the_response_to_head_keeps_its_length(proxy: Proxy, client: Client, origin: Start) -> None:
    def send(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(HEAD + b"Content-Length: 5000\r\n\r\n")

    host = served(proxy, origin(send))
    ask(client, host, method="HEAD")
    assert client.answer("HEAD").header("Content-Length") == "5000"


@pytest.mark.parametrize("body", [b"", b"short", b"x" * 1023])
def test_a_short_body_of_unknown_length_stays_plain(
    proxy: Proxy, client: Client, origin: Start, body: bytes
) -> None:
    host = served(proxy, origin(chunked(*filter(None, [body])) + b"0\r\n\r\n"))
    ask(client, host)
    answer = client.answer()
    assert answer.body == body
    assert answer.header("Content-Encoding") is None


@pytest.fixture
def pausing(origin: Start) -> Iterator[tuple[Origin, threading.Semaphore]]:
    """An origin that sends one chunk each time the semaphore is released."""
    release = threading.Semaphore(0)

    def send(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(chunked(b"data: 0\n\n"))
            for number in range(1, 4):
                assert release.acquire(timeout=30)
                event = b"data: %d\n\n" % number
                connection.send(b"%x\r\n%b\r\n" % (len(event), event))
            assert release.acquire(timeout=30)
            connection.send(b"0\r\n\r\n")

    yield origin(send), release
    release.release(9)


@pytest.mark.parametrize("coding", CODINGS)
def test_each_piece_of_a_stream_arrives_before_the_next_is_sent(
    proxy: Proxy, client: Client, pausing: tuple[Origin, threading.Semaphore], coding: str
) -> None:
    seen, release = pausing
    host = served(proxy, seen)
    ask(client, host, coding)
    head = client.head()
    assert b"\r\nContent-Encoding: " + coding.encode() in head
    encoded, expected = b"", b""
    for number in range(4):
        expected += b"data: %d\n\n" % number
        while decode(coding, encoded) != expected:
            encoded += client.chunk()
        release.release()
    while piece := client.chunk():
        encoded += piece
    assert decode(coding, encoded) == expected
    assert is_complete(coding, encoded)


@pytest.mark.parametrize("framed", [sized(TEXT)[:-1], chunked(TEXT), chunked(TEXT) + b"x\r\n"])
def test_a_body_that_is_cut_short_is_cut_for_the_client(
    proxy: Proxy, client: Client, origin: Start, framed: bytes
) -> None:
    def send(connection: Connection) -> None:
        connection.read()
        connection.send(framed)

    host = served(proxy, origin(send))
    ask(client, host)
    with pytest.raises(CutError) as error:
        client.answer()
    assert not is_complete("gzip", error.value.received)


def test_a_body_that_is_cut_short_is_a_reset_for_an_http_1_0_client(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def send(connection: Connection) -> None:
        connection.read()
        connection.send(sized(TEXT)[:-1])

    host = served(proxy, origin(send))
    ask(client, host, version="1.0")
    with pytest.raises(ConnectionResetError):
        client.answer()


def test_bytes_after_the_body_do_not_reach_the_client(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(sized(TEXT) + b"HTTP/1.1 200 Smuggled\r\n\r\n")
    host = served(proxy, seen)
    for number in (1, 2):
        ask(client, host)
        assert decode("gzip", client.answer().body) == TEXT
        assert seen.connections == number


def test_the_proxys_own_responses_are_compressed_too(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(b"")
    eager = Middleware("eager@x", "compress", {"minResponseBodyBytes": 1})
    refuse = Middleware("refuse@x", "inFlightReq", {"amount": 0})
    host = served(proxy, seen, eager, refuse)
    for _ in range(2):
        ask(client, host, "zstd")
        answer = client.answer()
        assert answer.status == 429
        assert answer.header("Content-Encoding") == "zstd"
        assert answer.header("Content-Length") == str(len(answer.body))
        assert b"too many requests" in decode("zstd", answer.body)
    assert not seen.requests


def test_options_that_cannot_be_applied_close_the_router(proxy: Proxy, origin: Start) -> None:
    seen = origin(sized(b"secret"))
    host = served(proxy, seen, Middleware("bad@x", "compress", {"encodings": ["lzma"]}))
    assert proxy.status(host) == 503
    assert not seen.requests
