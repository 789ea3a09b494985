"""Long bodies of known length, which the kernel moves: complete, or cut on either side."""

import hashlib
import random
import threading
from collections.abc import Callable

import pytest

from tests.lab.origin import Connection, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client, CutError

SIZE = 3_000_001
BODY = random.Random(3).randbytes(SIZE)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_long_and_short_responses_on_one_connection(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        while request := connection.read():
            connection.send(http_response(BODY if request.target == "/long" else b"short"))

    seen = origin(handler)
    host = proxy.route(seen)
    for path, size in (("/long", SIZE), ("/", 5), ("/long", SIZE), ("/", 5)):
        client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        got = client.answer().body
        assert len(got) == size
        assert path == "/" or digest(got) == digest(BODY)
    assert seen.connections == 1


@pytest.mark.parametrize("sent", [400_000, SIZE - 1])
def test_a_long_response_cut_short_is_visibly_cut(
    proxy: Proxy, client: Client, origin: Start, sent: int
) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE + BODY[:sent])

    host = proxy.route(origin(handler))
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    with pytest.raises(CutError) as cut:
        client.answer()
    assert digest(cut.value.received) == digest(BODY[:sent])


def test_bytes_after_a_long_response_reach_no_client(proxy: Proxy, client: Client, origin: Start) -> None:
    ended = threading.Semaphore(0)

    def handler(connection: Connection) -> None:
        try:
            while connection.read():
                connection.send(http_response(BODY) + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        finally:
            ended.release()

    seen = origin(handler)
    host = proxy.route(seen)
    for _ in range(2):
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert digest(client.answer().body) == digest(BODY)
        # Before the next request: bytes after it would be its response.
        assert ended.acquire(timeout=60)
    assert seen.connections == 2, "a connection with excess bytes is not used again"


def test_a_long_upload_is_complete_and_the_next_request_is_served(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        while request := connection.read():
            connection.send(http_response(digest(request.body).encode()))

    host = proxy.route(origin(handler))
    # The next request follows closely, and must not become part of the body.
    head = f"PUT / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {SIZE}\r\n\r\n".encode()
    client.send(head + BODY + f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().body == digest(BODY).encode()
    assert client.answer().body == digest(b"").encode()


@pytest.mark.parametrize("leave", [Client.reset, Client.half_close])
def test_a_client_that_aborts_a_long_upload_ends_the_server_s_request(
    proxy: Proxy, origin: Start, leave: Callable[[Client], None]
) -> None:
    ended = threading.Event()

    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        try:
            connection.read_body(request)
        except ConnectionError:
            ended.set()

    seen = origin(handler)
    host = proxy.route(seen)
    with Client(proxy.web) as client:
        client.send(f"PUT / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {SIZE}\r\n\r\n".encode())
        client.send(BODY[:1_000_000])
        seen.wait_for_requests(1)
        leave(client)
        if leave is Client.half_close:
            assert client.answer().status == 400
        assert ended.wait(30)


def test_a_server_that_aborts_a_long_upload_gives_502(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read_head()
        connection.reset()

    host = proxy.route(origin(handler))
    head = f"PUT / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {SIZE}\r\n\r\n".encode()
    client.send(head + BODY[:200_000])
    assert client.answer().status == 502
