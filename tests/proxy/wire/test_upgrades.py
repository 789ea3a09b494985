"""Upgraded connections: they become a tunnel after the server's 101."""

import base64
import hashlib
import struct
import threading
from contextlib import ExitStack, closing

import pytest
import websocket

from tests.lab.origin import Connection, Request, Start, http_response
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

HELLO = http_response(b"hello")
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-A: b\r\n\r\n"


def upgrading(host: str, *lines: str, method: str = "GET") -> bytes:
    head = [
        f"{method} /chat HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: echo",
        *lines,
        "",
        "",
    ]
    return "\r\n".join(head).encode()


def echo(connection: Connection) -> None:
    """Accept the upgrade, and echo all bytes in upper case until the client ends sending."""
    connection.read()
    connection.send(SWITCHING)
    while data := connection.receive():
        connection.send(data.upper())


def test_an_accepted_upgrade_is_a_tunnel(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(echo)
    host = proxy.route(seen)
    client.send(upgrading(host, "Sec-Thing: 1"))
    assert client.head() == (
        b"HTTP/1.1 101 Switching Protocols\r\nX-A: b\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
    )
    (request,) = seen.requests
    assert (request.all("Connection"), request.all("Upgrade")) == (["Upgrade"], ["echo"])
    assert request.all("Sec-Thing") == ["1"]
    assert request.all("X-Forwarded-For") == ["127.0.0.1"]
    for data in (b"one", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256))):
        client.send(data)
        assert client.exactly(len(data)) == data.upper()
    client.half_close()
    assert client.ended()


@pytest.mark.parametrize("protocol", ["websocket", "WebSocket", "echo"])
def test_a_server_is_told_of_websockets(proxy: Proxy, client: Client, origin: Start, protocol: str) -> None:
    seen = origin(HELLO)
    client.send(upgrading(proxy.route(seen)).replace(b"echo", protocol.encode()))
    client.answer()
    expected = "http" if protocol == "echo" else "ws"
    assert seen.requests[0].all("X-Forwarded-Proto") == [expected]


def test_bytes_right_after_the_head_are_not_lost(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(SWITCHING + b"welcome")
        connection.send(connection.receive().upper())

    host = proxy.route(origin(handler))
    client.send(upgrading(host) + b"early")
    client.head()
    assert client.rest() == b"welcomeEARLY"


def test_the_client_may_end_sending_and_keep_reading(proxy: Proxy, client: Client, origin: Start) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(SWITCHING)
        while connection.receive():
            pass
        connection.send(b"heard you out")

    host = proxy.route(origin(handler))
    client.send(upgrading(host))
    client.head()
    client.send(b"all")
    client.half_close()
    assert client.rest() == b"heard you out"


def test_the_server_may_end_sending_and_keep_reading(proxy: Proxy, client: Client, origin: Start) -> None:
    heard: list[bytes] = []
    over = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(SWITCHING + b"bye")
        connection.socket.shutdown(1)
        while data := connection.receive():
            heard.append(data)
        over.set()

    host = proxy.route(origin(handler))
    client.send(upgrading(host))
    client.head()
    assert client.rest() == b"bye"
    client.send(b"still here")
    client.half_close()
    assert over.wait(30)
    assert b"".join(heard) == b"still here"


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_reset_on_one_side_ends_the_other(proxy: Proxy, client: Client, origin: Start, side: str) -> None:
    over = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(SWITCHING + b"x")
        if side == "server":
            connection.receive()
            connection.reset()
            return
        while connection.receive():
            pass
        over.set()

    host = proxy.route(origin(handler))
    client.send(upgrading(host))
    client.head()
    assert client.exactly(1) == b"x"
    if side == "client":
        client.reset()
        assert over.wait(30)
    else:
        client.send(b"now")
        assert client.ended()


def test_a_large_stream_in_both_directions(proxy: Proxy, client: Client, origin: Start) -> None:
    seen = origin(echo)
    host = proxy.route(seen)
    data = bytes(range(97, 123)) * 100_000
    client.send(upgrading(host))
    client.head()
    sender = threading.Thread(target=client.send, args=(data,))
    sender.start()
    assert client.exactly(len(data)) == data.upper()
    sender.join(60)


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "426 Upgrade Required"])
def test_a_refused_upgrade_is_a_normal_response(
    proxy: Proxy, client: Client, origin: Start, status: str
) -> None:
    seen = origin(http_response(b"no", status))
    host = proxy.route(seen)
    client.send(upgrading(host))
    response = client.answer()
    assert (response.head.split(b"\r\n")[0].decode(), response.body) == (f"HTTP/1.1 {status}", b"no")
    client.send(f"GET /next HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().body == b"no"
    assert [request.target for request in seen.requests] == ["/chat", "/next"]
    assert seen.connections == 1


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nHost: {}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: echo\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAA\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    ],
)
def test_a_request_without_upgrade_never_becomes_a_tunnel(
    proxy: Proxy, client: Client, origin: Start, head: str
) -> None:
    seen = origin(echo)
    host = proxy.route(seen)
    client.send(head.format(host).encode())
    assert client.answer().status == 502, "101 without an upgrade request"
    (request,) = seen.requests
    assert (request.all("Upgrade"), request.all("Connection"), request.all("HTTP2-Settings")) == ([], [], [])


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("websocket", "echo"),
        ("websocket", "websocket2"),
        ("foo/1", "foo/2"),
        ("websocket", "websocket, echo"),
        ("websocket", "echo\r\nUpgrade: websocket"),
        ("foo, bar", "echo"),
    ],
)
def test_a_protocol_that_was_not_offered_gives_502(
    proxy: Proxy, client: Client, origin: Start, offered: str, chosen: str
) -> None:
    after: list[bytes] = []
    ended = threading.Event()

    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target != "/chat":
                connection.send(HELLO)
                continue
            connection.send(
                f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {chosen}\r\n"
                "Connection: Upgrade\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".encode()
            )
            after.append(connection.receive())
            ended.set()

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(
        f"GET /chat HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: {offered}\r\n\r\n".encode()
    )
    response = client.answer()
    assert (response.status, response.header("Upgrade")) == (502, None)
    assert ended.wait(30)
    assert after == [b""], "the server's connection is closed"
    # The client's connection never became a tunnel.
    client.send(f"GET /next HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().body == b"hello"
    assert seen.requests[0].all("Upgrade") == [offered]
    assert seen.connections == 2


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [("Echo", "eCHO"), ("foo/2, echo", "echo"), ("echo/1", "echo"), ("echo", "echo/1"), ("a, b", "b, a")],
)
def test_any_offered_protocol_becomes_a_tunnel(
    proxy: Proxy, client: Client, origin: Start, offered: str, chosen: str
) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(
            f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {chosen}\r\n\r\n".encode()
        )
        connection.send(connection.receive().upper())

    host = proxy.route(origin(handler))
    client.send(
        f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: {offered}\r\n\r\n".encode()
    )
    assert client.head() == (
        f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {chosen}\r\n\r\n".encode()
    )
    client.send(b"tunnel")
    assert client.rest() == b"TUNNEL"


@pytest.mark.parametrize(
    ("framing", "pieces"),
    [
        ("Content-Length: 5", [b"he", b"lloand more"]),
        ("Transfer-Encoding: chunked", [b"2;x\r\nhe\r\n3;", b"x\r\nllo\r\n0\r\n\r\nand more"]),
    ],
)
def test_an_upgrade_with_a_body_begins_after_the_body(
    proxy: Proxy, client: Client, origin: Start, framing: str, pieces: list[bytes]
) -> None:
    def handler(connection: Connection) -> None:
        request = connection.read_head()
        assert request
        connection.send(SWITCHING)
        body = connection.read_body(request)
        assert b";" not in body, "the body's chunks are framed anew"
        assert b"".join(body.split(b"\r\n")[1:-3:2] or [body]) == b"hello"
        connection.send(connection.receive().upper())

    seen = origin(handler)
    host = proxy.route(seen)
    client.send(upgrading(host, framing, method="POST"))
    seen.wait_for_requests(1)
    for piece in pieces:
        client.send(piece)
    client.head()
    assert client.rest() == b"AND MORE"


def handshake(request: Request) -> bytes:
    key = (request.header("Sec-WebSocket-Key") or "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )


def websocket_echo(connection: Connection) -> None:
    """An RFC 6455 echo for messages of short and medium length."""
    request = connection.read()
    assert request
    connection.send(handshake(request))

    def exactly(size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = connection.receive(size - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    while True:
        first, second = exactly(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", exactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", exactly(8))[0]
        mask = exactly(4)
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(exactly(size)))
        if size < 126:
            length = bytes([size])
        elif size < 65536:
            length = b"\x7e" + struct.pack("!H", size)
        else:
            length = b"\x7f" + struct.pack("!Q", size)
        connection.send(bytes([first]) + length + payload)
        if first & 0x0F == 8:
            return


def opened(proxy: Proxy, host: str) -> websocket.WebSocket:
    return websocket.create_connection(f"ws://127.0.0.1:{proxy.web}/ws", host=host, timeout=30)


def test_a_websocket_library_works_through_the_proxy(proxy: Proxy, origin: Start) -> None:
    seen = origin(websocket_echo)
    host = proxy.route(seen)
    with closing(opened(proxy, host)) as connection:
        for message in ("one", "zwei", "x" * 1000, "y" * 100_000):
            connection.send(message)
            assert connection.recv() == message
        connection.send_binary(b"\x00\xff")
        assert connection.recv() == b"\x00\xff"
        connection.ping("p")
        assert connection.recv_frame().data == b"p"
    assert seen.requests[0].target == "/ws"


def test_many_concurrent_websockets(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(websocket_echo))
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(opened(proxy, host))) for _ in range(50)]
        for message in range(3):
            for number, connection in enumerate(connections):
                connection.send(f"{number}/{message}")
            for number, connection in enumerate(connections):
                assert connection.recv() == f"{number}/{message}"
