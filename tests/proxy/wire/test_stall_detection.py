"""Connections without progress are cut visibly; slow ones are not."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rondpoint.model import Middleware
from tests.lab.origin import Connection, Handler, Start
from tests.lab.ports import free_port
from tests.proxy.running import Proxy, watched
from tests.proxy.wire.client import Client, CutError
from tests.proxy.wire.conftest import started

# More than the kernel buffers for a connection with a receive buffer of 32 MB.
LARGE = 80_000_000
# One second, checks after at most one and two more seconds, and a busy machine.
SOON = (0.9, 25.0)
FIRST = free_port()


@pytest.fixture(scope="module")
def strict_proxy(directory: Path) -> Iterator[Proxy]:
    """All limits one second; for clients of the entry point `first`, two."""
    yield from started(
        directory,
        "strict",
        "--limits.stallTimeout=1s",
        "--limits.responsePauseTimeout=1s",
        "--limits.tunnelIdleTimeout=1s",
        f"--entryPoints.first.address=127.0.0.1:{FIRST}",
        "--entryPoints.first.transport.respondingTimeouts.writeTimeout=3s",
    )


@pytest.fixture
def proxy(strict_proxy: Proxy) -> Iterator[Proxy]:
    yield from watched(strict_proxy)


def responses(framing: str, size: int = LARGE) -> bytes:
    if framing == "length":
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    if framing == "chunked":
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * (size >> 16) + b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\n\r\n" + bytes(size)


def sending(response: bytes, left: threading.Event) -> Handler:
    def handler(connection: Connection) -> None:
        assert connection.read()
        try:
            connection.send(response)
        except OSError:
            left.set()
            raise

    return handler


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_client_that_accepts_no_data_is_cut(
    proxy: Proxy, client: Client, origin: Start, framing: str, version: str
) -> None:
    left = threading.Event()
    host = proxy.route(origin(sending(responses(framing), left)))
    begun = time.monotonic()
    client.send(f"GET / HTTP/{version}\r\nHost: {host}\r\n\r\n".encode())
    assert left.wait(30), "the server's connection ends too"
    assert SOON[0] <= time.monotonic() - begun <= SOON[1]
    with pytest.raises((CutError, ConnectionResetError)):
        client.answer()


def test_the_limit_of_the_entry_point_takes_precedence(proxy: Proxy, origin: Start) -> None:
    left = threading.Event()
    host = proxy.route(origin(sending(responses("length"), left)))
    with Client(FIRST) as client:
        begun = time.monotonic()
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert left.wait(30)
        assert time.monotonic() - begun >= 2.8


def test_a_client_that_reads_slowly_is_not_cut(proxy: Proxy, origin: Start) -> None:
    left = threading.Event()
    host = proxy.route(origin(sending(responses("length"), left)))
    with socket.socket() as client:
        # A small window, so that the kernel acknowledges each piece.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(30)
        client.connect(("127.0.0.1", proxy.web))
        client.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        taken = 0
        for _ in range(48):
            time.sleep(0.1)  # The client's pace is what is tested.
            taken += len(client.recv(20_000))
        # Less than makes the proxy's socket writable again.
        assert taken < 1_000_000
        assert not left.is_set()
        while data := client.recv(1 << 20):
            taken += len(data)
    assert taken > LARGE


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_server_that_pauses_in_a_response_is_cut(
    proxy: Proxy, client: Client, origin: Start, framing: str
) -> None:
    left = threading.Event()

    def handler(connection: Connection) -> None:
        assert connection.read()
        whole = responses(framing, 400_000)
        connection.send(whole[:300_000])
        assert connection.receive() == b""
        left.set()

    host = proxy.route(origin(handler))
    begun = time.monotonic()
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    with pytest.raises(CutError) as cut:
        client.answer()
    assert SOON[0] <= time.monotonic() - begun <= SOON[1]
    assert len(cut.value.received) > 290_000
    assert left.wait(30)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_server_that_sends_no_body_for_its_type_to_be_guessed_gives_504(
    proxy: Proxy, client: Client, origin: Start, framing: str
) -> None:
    def handler(connection: Connection) -> None:
        assert connection.read()
        head, end, _ = responses(framing, 1).partition(b"\r\n\r\n")
        connection.send(head + end)
        assert connection.receive() == b""

    proxy.middlewares["type@x"] = Middleware("type@x", "contentType", {})
    host = proxy.route(origin(handler), middlewares=("type@x",))
    begun = time.monotonic()
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().status == 504
    assert SOON[0] <= time.monotonic() - begun <= SOON[1]


def test_a_server_that_sends_slowly_is_not_cut(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        assert connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200032\r\n\r\n" + bytes(200_000))
        for _ in range(32):
            time.sleep(0.1)  # The server's pace is what is tested.
            connection.send(b"x")

    host = proxy.route(origin(handler))
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().body.endswith(b"\0" + b"x" * 32)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_server_that_accepts_no_request_data_gives_504(
    proxy: Proxy, client: Client, origin: Start, framing: str
) -> None:
    over = threading.Event()

    def handler(connection: Connection) -> None:
        assert connection.read_head()
        assert over.wait(60)

    host = proxy.route(origin(handler))
    if framing == "length":
        body = f"Content-Length: {LARGE}\r\n\r\n".encode() + bytes(LARGE)
    else:
        body = b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + bytes(65536) + b"\r\n") * (LARGE >> 16)
    begun = time.monotonic()
    sender = threading.Thread(target=send_what_can_be, args=(client, host, body), daemon=True)
    sender.start()
    try:
        assert client.answer().status == 504
        assert SOON[0] <= time.monotonic() - begun <= SOON[1]
    finally:
        over.set()
    sender.join(60)
    assert not sender.is_alive()


def send_what_can_be(client: Client, host: str, body: bytes) -> None:
    try:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\n".encode() + body)
    except OSError:
        # The response arrives, and the connection ends, before all is sent.
        return


def tunnel(proxy: Proxy, client: Client, origin: Start, handler: Handler) -> None:
    def upgraded(connection: Connection) -> None:
        assert connection.read()
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n")
        handler(connection)

    host = proxy.route(origin(upgraded))
    client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n".encode())
    assert client.answer().status == 101


def test_a_silent_tunnel_ends(proxy: Proxy, client: Client, origin: Start) -> None:
    left = threading.Event()

    def handler(connection: Connection) -> None:
        assert connection.receive() == b""
        left.set()

    begun = time.monotonic()
    tunnel(proxy, client, origin, handler)
    assert client.ended()
    assert SOON[0] <= time.monotonic() - begun <= SOON[1]
    assert left.wait(30)


@pytest.mark.parametrize("speaker", ["client", "server"])
def test_a_tunnel_in_which_one_side_sends_stays_open(
    proxy: Proxy, client: Client, origin: Start, speaker: str
) -> None:
    heard = threading.Event()

    def handler(connection: Connection) -> None:
        if speaker == "server":
            for _ in range(32):
                time.sleep(0.1)  # The server's pace is what is tested.
                connection.send(b"x")
            return
        received = b""
        while len(received) < 32:
            received += connection.receive()
        heard.set()

    tunnel(proxy, client, origin, handler)
    if speaker == "server":
        assert client.exactly(32) == b"x" * 32
        return
    for _ in range(32):
        time.sleep(0.1)  # The client's pace is what is tested.
        client.send(b"x")
    assert heard.wait(30)
