"""HTTP/2 with the client and with the server: what only both together can pass on."""

import threading
from collections.abc import Iterator

import pytest

from tests.lab.http2 import frames
from tests.lab.http2.client import Client, head
from tests.lab.http2_origin import Http2Session
from tests.lab.origin import Connection, Start
from tests.proxy.running import Proxy
from tests.proxy.wire.http2_servers import route_http2

GRPC = [(b"content-type", b"application/grpc"), (b"te", b"trailers")]


@pytest.fixture
def h2(proxy: Proxy) -> Iterator[Client]:
    """A connection to `proxy`."""
    with Client(proxy.web) as client:
        client.start()
        yield client


def call(client: Client, host: str, content: bytes = b"abc") -> int:
    return client.request(authority=host.encode(), method=b"POST", fields=GRPC, content=content)


@pytest.mark.parametrize("announced", [True, False], ids=["length", "no-length"])
@pytest.mark.parametrize("size", [0, 3, 500_000])
def test_trailers_follow_content(proxy: Proxy, h2: Client, origin: Start, announced: bool, size: int) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        for each in session.requests():
            assert each.header("te") == "trailers"
            body = session.read_body(each)
            session.begin(each, *([("content-length", str(len(body)))] if announced else []))
            session.send(each, body)
            session.end(each, ("grpc-status", "0"), ("x-bin", "AA=="))

    host = route_http2(proxy, origin(handler))
    found = h2.wait_for(call(h2, host, bytes(size)))
    assert (found.status, len(found.content), found.final.get(b"content-length")) == (
        200,
        size,
        str(size).encode() if announced else None,
    )
    assert found.trailers == [(b"grpc-status", b"0"), (b"x-bin", b"AA==")]


def test_a_response_of_trailers_only_stays_one_frame(proxy: Proxy, h2: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        for each in session.requests():
            session.read_body(each)
            session.begin(each, ("grpc-status", "5"), end=True)

    host = route_http2(proxy, origin(handler))
    number = call(h2, host)
    assert h2.wait_for(number).final[b"grpc-status"] == b"5"
    assert h2.count(frames.DATA, number) == 0


def test_messages_pass_one_by_one_in_both_directions(proxy: Proxy, h2: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        each = session.next_call()
        session.begin(each)
        seen = 0
        while not each.ended:
            if len(each.body) > seen:
                session.send(each, bytes(each.body[seen:]).upper())
                seen = len(each.body)
            assert session.receive()
        session.end(each, ("grpc-status", "0"))
        session.drain()

    host = route_http2(proxy, origin(handler))
    number = h2.next_stream()
    h2.send(frames.headers(number, head(b"/", b"POST", host.encode(), fields=GRPC), ended=False))
    stream = h2.stream(number)
    for size in range(1, 4):
        h2.send_content(number, b"m", ended=False)
        assert h2.wait(lambda size=size: bytes(stream.content) == b"M" * size)  # type: ignore[misc]
    h2.send_content(number, b"")
    assert h2.wait_for(number).trailers == [(b"grpc-status", b"0")]


def test_a_response_that_ends_first_ends_the_stream_and_not_the_connection(
    proxy: Proxy, h2: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        for each in session.requests():
            session.begin(each, ("content-type", "application/grpc"))
            session.end(each, ("grpc-status", "8"))

    started = origin(handler)
    host = route_http2(proxy, started)
    for _ in range(2):
        number = h2.next_stream()
        h2.send(frames.headers(number, head(b"/", b"POST", host.encode(), fields=GRPC), ended=False))
        found = h2.wait_for(number)
        assert found.trailers == [(b"grpc-status", b"8")]
    assert started.connections == 1


@pytest.mark.parametrize("content", [None, b"abc"], ids=["open", "ended"])
def test_a_cancelled_call_is_cancelled_at_the_server(
    proxy: Proxy, h2: Client, origin: Start, content: bytes | None
) -> None:
    """Also while the server is silent in the middle of its response."""
    cancelled = threading.Event()

    def handler(connection: Connection) -> None:
        session = Http2Session(connection)
        each = session.next_call()
        session.begin(each)
        session.send(each, b"first")
        assert session.wait_for_reset(each) == 8
        cancelled.set()
        session.drain()

    host = route_http2(proxy, origin(handler))
    if content is None:
        number = h2.next_stream()
        h2.send(frames.headers(number, head(b"/", b"POST", host.encode(), fields=GRPC), ended=False))
    else:
        number = call(h2, host, content)
    stream = h2.stream(number)
    assert h2.wait(lambda: bytes(stream.content) == b"first")
    h2.send(frames.rst_stream(number))
    assert cancelled.wait(30)
