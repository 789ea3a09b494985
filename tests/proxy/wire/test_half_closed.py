"""Clients that end sending and keep reading get the whole response once it has begun."""

import os
import random
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from proxy.http1.chunked import ChunkedDecoder
from tests.lab.certificate import write_certificate
from tests.lab.origin import Connection, Start
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.proxy.running import Proxy, watched
from tests.proxy.wire.client import Client, CutError
from tests.proxy.wire.conftest import started

LONG = random.Random(7).randbytes(3_000_001)
SHORT = LONG[:20_000]


def known(body: bytes) -> tuple[bytes, bytes]:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body


def chunked(body: bytes) -> tuple[bytes, bytes]:
    middle = len(body) // 3
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:middle], body[middle:]))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", pieces + b"0\r\nX-Sum: 1\r\n\r\n"


def until_close(body: bytes) -> tuple[bytes, bytes]:
    return b"HTTP/1.1 200 OK\r\n\r\n", body


FRAMINGS = {
    "length": known(SHORT),
    "long length": known(LONG),
    "chunked": chunked(SHORT),
    "long chunked": chunked(LONG),
    "until close": until_close(SHORT),
    "long until close": until_close(LONG),
}


class Slow:
    """Responds with the head and a piece of the body, and with the rest once `go_on` is set.

    `early`: before it reads the request's body, `uploaded`.
    """

    def __init__(self, head: bytes, body: bytes, *, early: bool = False) -> None:
        self.go_on = threading.Event()
        self.uploaded = b""
        self.start, self.rest = head + body[:1000], body[1000:]
        self._early = early

    def __call__(self, connection: Connection) -> None:
        request = connection.read_head()
        assert request
        if self._early:
            connection.send(self.start)
        self.uploaded = connection.read_body(request)
        if not self._early:
            connection.send(self.start)
        assert self.go_on.wait(30)
        connection.send(self.rest)


class SecureClient(Client):
    """A TLS client that ends sending with an alert, a FIN, or both, and keeps reading."""

    def __init__(self, port: int, certificate: Path, *ends: str) -> None:
        super().__init__(port)
        self._ends = ends
        context = ssl.create_default_context(cafile=certificate)
        self.socket = self._secured = context.wrap_socket(self.socket, server_hostname="localhost")

    def half_close(self) -> None:
        secured = self._secured
        if "alert" in self._ends:
            timeout = secured.gettimeout()
            secured.settimeout(0)
            with suppress(ssl.SSLWantReadError):
                # Sends the alert, and does not wait for the peer's.
                secured.unwrap()
            secured.settimeout(timeout)
        if "FIN" in self._ends:
            socket.socket.shutdown(secured, socket.SHUT_WR)

    def _receive(self) -> bool:
        try:
            return super()._receive()
        except ssl.SSLZeroReturnError:
            # The peer's alert, after the client's own.
            return False


PORTS: dict[str, int] = {}


@pytest.fixture(scope="module")
def certificate(directory: Path) -> Path:
    return write_certificate(directory / "half-closed.pem")


@pytest.fixture(scope="module")
def proxies(directory: Path, certificate: Path) -> Iterator[Proxy]:
    PORTS["secure"] = free_port()
    yield from started(
        directory,
        "half-closed",
        f"--entryPoints.secure.address=127.0.0.1:{PORTS['secure']}",
        f"--entryPoints.secure.tls.certificates={certificate},{certificate}",
    )


@pytest.fixture
def proxy(proxies: Proxy) -> Iterator[Proxy]:
    yield from watched(proxies)


@pytest.fixture(params=["plain", "alert", "FIN", "alert FIN"])
def client(request: pytest.FixtureRequest, proxy: Proxy, certificate: Path) -> Iterator[Client]:
    ends = request.param.split()
    with (
        Client(proxy.web)
        if ends == ["plain"]
        else SecureClient(PORTS["secure"], certificate, *ends) as client
    ):
        yield client


def leave(client: Client, proxy: Proxy) -> None:
    """End the client's sending, and return once the only worker has noticed."""
    client.half_close()
    assert proxy.status("nowhere.test") == 404


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_response_that_has_begun_is_complete(
    proxy: Proxy, client: Client, origin: Start, framing: str, version: str
) -> None:
    slow = Slow(*FRAMINGS[framing])
    host = proxy.route(origin(slow))
    client.send(f"GET / HTTP/{version}\r\nHost: {host}\r\n\r\n".encode())
    head = client.head()
    leave(client, proxy)
    slow.go_on.set()
    answer = client.answer(head=head)
    assert (answer.status, answer.body) == (200, LONG if "long" in framing else SHORT)
    assert client.ended()


@pytest.mark.parametrize("size", [5_000, 900_000])
@pytest.mark.parametrize("upload", ["length", "chunked"])
@pytest.mark.parametrize("framing", ["length", "long length", "chunked", "until close"])
def test_a_response_is_complete_if_the_upload_ends_after_it_has_begun(
    proxy: Proxy, client: Client, origin: Start, framing: str, upload: str, size: int
) -> None:
    slow = Slow(*FRAMINGS[framing], early=True)
    host = proxy.route(origin(slow))
    body = LONG[:size]
    line, sent = f"Content-Length: {size}", body
    if upload == "chunked":
        line, sent = "Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
    client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\n{line}\r\n\r\n".encode() + sent[:1000])
    head = client.head()
    client.send(sent[1000:])
    leave(client, proxy)
    slow.go_on.set()
    answer = client.answer(head=head)
    assert (answer.status, answer.body) == (200, LONG if "long" in framing else SHORT)
    assert client.ended()
    uploaded = ChunkedDecoder().feed(slow.uploaded) if upload == "chunked" else slow.uploaded
    assert uploaded == body


def test_a_response_that_begins_while_the_worker_is_busy_is_complete(
    proxy: Proxy, client: Client, origin: Start
) -> None:
    begin, begun = threading.Event(), threading.Event()
    slow = Slow(*FRAMINGS["long length"])

    def handler(connection: Connection) -> None:
        assert connection.read_head()
        assert begin.wait(30)
        connection.send(slow.start)
        begun.set()
        assert slow.go_on.wait(30)
        connection.send(slow.rest)

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    seen.wait_for_requests(1)
    (worker,) = descendants(proxy.process.pid)
    os.kill(worker, signal.SIGSTOP)
    try:
        # The worker notices both at the same time.
        begin.set()
        assert begun.wait(30)
        client.half_close()
    finally:
        os.kill(worker, signal.SIGCONT)
    head = client.head()
    slow.go_on.set()
    assert client.answer(head=head).body == LONG
    assert client.ended()


@pytest.mark.parametrize("end", ["Connection: close", "Connection: keep-alive, close"])
def test_unexpected_bytes_do_not_damage_the_last_response(
    proxy: Proxy, client: Client, origin: Start, end: str
) -> None:
    slow = Slow(*FRAMINGS["long length"])
    seen = origin(slow)
    host = proxy.route(seen)
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n{end}\r\n\r\n".encode())
    head = client.head()
    client.send(f"GET /more HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    leave(client, proxy)
    slow.go_on.set()
    assert client.answer(head=head).body == LONG
    assert client.ended()
    assert len(seen.requests) == 1


def test_a_cut_response_ends_in_a_reset_regardless_of_sent_bytes(proxy: Proxy, origin: Start) -> None:
    slow = Slow(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"x" * 1000 + b"no chunk"
    )
    host = proxy.route(origin(slow))
    with Client(proxy.web) as client:
        client.send(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        head = client.head()
        client.send(b"more")
        leave(client, proxy)
        slow.go_on.set()
        with pytest.raises(ConnectionResetError):
            client.answer(head=head)


def test_the_response_to_a_broken_upload_is_cut(proxy: Proxy, client: Client, origin: Start) -> None:
    ended = threading.Event()

    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        connection.send(FRAMINGS["length"][0] + b"begun")
        with suppress(ConnectionError):
            connection.read_body(request)
        ended.set()

    host = proxy.route(origin(handler))
    client.send(f"PUT / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\nhalf".encode())
    head = client.head()
    leave(client, proxy)
    assert ended.wait(30)
    with pytest.raises(CutError):
        client.answer(head=head)
