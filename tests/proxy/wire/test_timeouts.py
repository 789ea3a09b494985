"""Timeouts, each of one second here; a worker checks deadlines once a second."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from tests.lab.origin import Connection, Origin, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

HELLO = http_response(b"hello")
# One second, a check after at most another, and a busy machine.
SOON = (0.9, 25.0)


def together(call: Callable[[Any], None], cases: list[Any]) -> None:
    """Call for all cases at the same time; raise the first failure after all have ended."""
    with ThreadPoolExecutor(len(cases)) as pool:
        for done in [pool.submit(call, case) for case in cases]:
            done.result()


@contextmanager
def within(least: float, most: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert least <= time.monotonic() - begun <= most


HEADS = [b"G", b"GET / HTTP/1.1\r\nHost: a.test\r\n", b"GET / HTTP/1.1\r\nHost: a.test\r\nA"]


def test_an_incomplete_head_gives_408(hasty: Proxy) -> None:
    def send(head: bytes) -> None:
        with Client(hasty.web) as client, within(*SOON):
            client.send(head)
            response = client.answer()
            assert (response.status, response.header("Connection")) == (408, "close")
            assert client.ended()

    together(send, HEADS)


def test_a_slow_head_gets_no_more_time(hasty: Proxy) -> None:
    with Client(hasty.web) as client, within(*SOON), ThreadPoolExecutor() as pool:
        over = threading.Event()

        def drip() -> None:
            # The worker may have closed the connection already.
            with suppress(OSError):
                client.send(b"GET / HTTP/1.1\r\n")
                while not over.wait(0.1):
                    client.send(b"A: b\r\n")

        dripping = pool.submit(drip)
        assert client.answer().status == 408
        over.set()
        dripping.result()


def test_a_connection_without_a_request_is_closed_silently(hasty: Proxy, origin: Start) -> None:
    host = hasty.route(origin(HELLO))

    def wait(requests: int) -> None:
        begun = time.monotonic()
        with Client(hasty.web) as client:
            for _ in range(requests):
                begun = time.monotonic()
                client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert client.answer().status == 200
            assert client.ended()
        assert SOON[0] <= time.monotonic() - begun <= SOON[1]

    together(wait, [0, 1, 2])


def test_an_incomplete_body_gives_408(hasty: Proxy, origin: Start) -> None:
    left = threading.Event()

    def handler(connection: Connection) -> None:
        while connection.receive():
            pass
        left.set()

    host = hasty.route(origin(handler))
    with Client(hasty.web) as client, within(*SOON):
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nsome".encode())
        assert client.answer().status == 408
        assert client.ended()
    assert left.wait(30)


def test_a_body_that_makes_progress_may_take_longer(hasty: Proxy, origin: Start) -> None:
    seen = origin(HELLO)
    host = hasty.route(seen)
    with Client(hasty.web) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 24\r\n\r\n".encode())
        for _ in range(24):
            time.sleep(0.1)  # The client's pace is what is tested.
            client.send(b"x")
        assert client.answer().status == 200
    assert seen.requests[0].body == b"x" * 24


def test_a_server_that_does_not_read_causes_no_408(hasty: Proxy, origin: Start) -> None:
    size = 30_000_000

    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        # Longer than the client's read timeout.
        time.sleep(2.5)
        connection.read_body(request)
        connection.send(HELLO)

    seen = origin(handler)
    host = hasty.route(seen)
    with Client(hasty.web) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n".encode())
        client.send(bytes(size))
        assert client.answer().status == 200
    assert len(seen.requests[0].body) == size


BEGINNINGS = [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 103 Early Hints\r\n\r\n"]


def test_a_missing_response_head_gives_504(hasty: Proxy, origin: Start) -> None:
    left = threading.Semaphore(0)
    other = origin(HELLO)

    def slow(sent: bytes) -> Origin:
        def handler(connection: Connection) -> None:
            connection.read()
            connection.send(sent)
            assert connection.receive() == b""
            left.release()

        return origin(handler)

    def send(case: tuple[str, bytes, str]) -> None:
        host, sent, method = case
        with Client(hasty.web) as client, within(*SOON):
            client.send(f"{method} / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            if b" 103 " in sent:
                assert client.answer().status == 103
            response = client.answer()
            assert (response.status, response.header("Connection")) == (504, None)

    cases = [
        # The first ticket is for the first server.
        (hasty.route(slow(sent), other), sent, method)
        for sent in BEGINNINGS
        for method in ("GET", "POST")
    ]
    together(send, cases)
    for _ in cases:
        assert left.acquire(timeout=60)
    assert other.requests == [], "a request that a server may be executing is not sent to another"


def test_the_response_timeout_begins_after_the_body(hasty: Proxy, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.receive()

    host = hasty.route(origin(handler))
    with Client(hasty.web) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 24\r\n\r\n".encode())
        for _ in range(23):
            time.sleep(0.1)  # The client's pace is what is tested.
            client.send(b"x")
        with within(*SOON):
            client.send(b"x")
            assert client.answer().status == 504


def test_a_response_that_has_begun_may_take_longer(hasty: Proxy, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        request = connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        if request is not None and request.method == "POST":
            assert connection.receive() == b"body"
        time.sleep(2.5)
        connection.send(b"lo")

    seen = origin(handler)
    host = hasty.route(seen)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(hasty.web)) for _ in range(2)]
        clients[0].send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        clients[0].head()
        # The end of the body, after the beginning of the response, must not restart the timeout.
        clients[1].send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n\r\n".encode())
        clients[1].head()
        clients[1].send(b"body")
        for client in clients:
            assert client.exactly(5) == b"hello"


def test_a_server_that_does_not_accept_gives_504(hasty: Proxy, silent_port: int) -> None:
    host = hasty.route(silent_port)
    with Client(hasty.web) as client, within(*SOON):
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        response = client.answer()
        assert (response.status, response.header("Connection")) == (504, None)


def test_many_slow_heads_delay_no_other_client(hasty: Proxy, origin: Start) -> None:
    host = hasty.route(origin(HELLO))
    with ExitStack() as stack:
        slow = []
        for _ in range(300):
            slow.append(stack.enter_context(Client(hasty.web)))
            # Sent at once, because a silent connection is closed without a response.
            slow[-1].send(b"GET / HTTP/1.1\r\nHost:")
        assert hasty.get(host) == "hello"
        for client in slow:
            assert client.answer().status == 408
