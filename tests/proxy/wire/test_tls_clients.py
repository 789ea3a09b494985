"""An entry point with TLS: clients notice no other difference, and servers get it in headers."""

import random
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import websocket

from tests.lab.certificate import write_certificate
from tests.lab.echo import EchoServer
from tests.lab.origin import Connection, Start
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.wire.client import Client, CutError

BODY = random.Random(5).randbytes(2_000_003)


@pytest.fixture(scope="module")
def own(directory: Path) -> Path:
    path = directory / "secured"
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def certificate(own: Path) -> Path:
    return write_certificate(own / "own.pem")


@pytest.fixture(scope="module")
def secured(own: Path, certificate: Path) -> Iterator[tuple[Proxy, int]]:
    """A proxy, and the port of its second entry point."""
    port = free_port()
    flags = [
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        f"--entryPoints.websecure.tls.certificates={certificate},{certificate}",
        "--entryPoints.websecure.transport.respondingTimeouts.readTimeout=1s",
    ]
    with Store(own) as store, running_proxy(own, store, *flags) as proxy:
        yield proxy, port


@pytest.fixture
def proxy(secured: tuple[Proxy, int]) -> Iterator[Proxy]:
    yield from watched(secured[0])


@pytest.fixture
def port(secured: tuple[Proxy, int]) -> int:
    return secured[1]


class SecureClient(Client):
    """A client that trusts this certificate, and treats an end without close_notify as an error."""

    def __init__(self, port: int, certificate: Path, **options: ssl.TLSVersion) -> None:
        super().__init__(port)
        context = ssl.create_default_context(cafile=certificate)
        for name, value in options.items():
            setattr(context, name, value)
        self.socket = context.wrap_socket(
            self.socket, server_hostname="localhost", suppress_ragged_eofs=False
        )


def test_a_failed_handshake_is_explained_by_an_alert(proxy: Proxy, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    # The certificate has an EC key.
    context.set_ciphers("AES128-SHA")
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        pytest.raises(ssl.SSLError, match="ALERT_HANDSHAKE_FAILURE"),
    ):
        context.wrap_socket(plain)


def test_the_session_ticket_does_not_wait_for_a_request(port: int, certificate: Path) -> None:
    """Many clients send their request only once the server has acknowledged the handshake."""
    context = ssl.create_default_context(cafile=certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(received, to_send, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(to_send.read())
                received.write(plain.recv(65536))
        plain.sendall(to_send.read())
        assert plain.recv(65536)


def get(host: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET /a%2fb HTTP/1.1\r\nHost: {host}", *lines, "", ""]).encode()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bodies_are_complete_in_both_directions_on_one_connection(
    proxy: Proxy, port: int, certificate: Path, origin: Start, version: ssl.TLSVersion
) -> None:
    def handler(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            body = request.body or BODY
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    seen = origin(handler)
    host = proxy.route(seen)
    with SecureClient(port, certificate, minimum_version=version, maximum_version=version) as client:
        for _ in range(2):
            client.send(get(host))
            assert client.answer().body == BODY
            client.send(
                f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY
            )
            assert client.answer().body == BODY


def test_servers_get_the_client_s_protocol(proxy: Proxy, port: int, certificate: Path, origin: Start) -> None:
    seen = origin(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    host = proxy.route(seen)
    with SecureClient(port, certificate) as client:
        client.send(get(host, "X-Forwarded-Proto: http"))
        assert client.answer().status == 200
    request = seen.requests[-1]
    assert (request.header("X-Forwarded-Proto"), request.header("X-Forwarded-Port")) == ("https", "443")
    assert request.head.startswith(b"GET /a%2fb HTTP/1.1\r\n")


def test_an_end_is_announced_after_a_response_until_close(
    proxy: Proxy, port: int, certificate: Path, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")

    host = proxy.route(origin(handler))
    with SecureClient(port, certificate) as client:
        client.send(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        client.head()
        assert client.rest() == b"all of it"


def test_a_response_cut_short_is_visibly_cut(
    proxy: Proxy, port: int, certificate: Path, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    host = proxy.route(origin(handler))
    with SecureClient(port, certificate) as client:
        client.send(get(host))
        with pytest.raises(CutError):
            client.answer()


def test_a_half_closed_tunnel_continues_in_the_other_direction(
    proxy: Proxy, port: int, certificate: Path, origin: Start
) -> None:
    def handler(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nfirst")
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.receive() == b"still here"

    seen = origin(handler)
    host = proxy.route(seen)
    with SecureClient(port, certificate) as client:
        client.send(get(host, "Connection: upgrade", "Upgrade: x"))
        assert b" 101 " in client.head()
        assert client.rest() == b"first"
        with suppress(ssl.SSLError):
            client.send(b"still here")


def test_websockets(proxy: Proxy, port: int, certificate: Path) -> None:
    with EchoServer() as echo:
        host = proxy.route(echo.port)
        url = f"wss://localhost:{port}/"
        client = websocket.create_connection(
            url, host=host, sslopt={"ca_certs": str(certificate)}, timeout=10
        )
        for size in (0, 1, 125):
            client.send_binary(BODY[:size])
            assert client.recv() == BODY[:size]
        client.close()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\0\5hello"])
def test_a_client_without_a_handshake_is_disconnected(proxy: Proxy, port: int, sent: bytes) -> None:
    with Client(port) as client:
        client.send(sent)
        # An alert may arrive first; the handshake has one second.
        with suppress(ConnectionResetError):
            assert b"HTTP/" not in client.rest()
    assert proxy.process.log.count("Traceback") == 0
