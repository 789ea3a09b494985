"""Servers with TLS: verification, keep-alive connections, and streaming in both directions."""

import hashlib
import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
import pytest

from rondpoint.model import Middleware, Server
from tests.lab.certificate import write_certificate
from tests.lab.decoding import decode, is_complete
from tests.lab.origin import Connection, Handler, Origin, http_response
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.wire.client import Client

BODY = random.Random(4).randbytes(2_000_003)


@pytest.fixture(scope="module")
def certificate(directory: Path) -> Path:
    return write_certificate(directory / "origin.pem")


@pytest.fixture(scope="module")
def trusting(directory: Path, certificate: Path) -> Iterator[Proxy]:
    """A proxy that trusts this certificate like those of the system."""
    own = directory / "trusting"
    own.mkdir()
    with ExitStack() as stack:
        store = stack.enter_context(Store(own))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            proxy = stack.enter_context(running_proxy(own, store))
        yield proxy


@pytest.fixture
def tls(trusting: Proxy) -> Iterator[Proxy]:
    yield from watched(trusting)


def secured(connection: Connection, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    connection.socket = context.wrap_socket(connection.socket, server_side=True)


def route(proxy: Proxy, origin: Origin, host: str = "127.0.0.1", **options: object) -> str:
    """Serve this origin over TLS, under this host name; the router has these options."""
    name = proxy.route(origin, **options)
    service = proxy.services[name.removesuffix(".test")]
    server = Server("s", host, origin.port, "https")
    proxy.services[service.name] = msgspec.structs.replace(service, servers=(server,))
    proxy.publish()
    return name


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_bodies_are_complete_in_both_directions_on_one_connection(
    tls: Proxy, certificate: Path, host: str
) -> None:
    def handler(connection: Connection) -> None:
        secured(connection, certificate)
        while request := connection.read():
            digest = hashlib.sha256(request.body).hexdigest().encode()
            connection.send(http_response(BODY if request.target == "/long" else digest))

    with Origin(handler) as origin, Client(tls.web) as client:
        name = route(tls, origin, host)
        client.send(f"GET /long HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        assert client.answer().body == BODY
        client.send(f"PUT / HTTP/1.1\r\nHost: {name}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        assert client.answer().body == hashlib.sha256(BODY).hexdigest().encode()
        assert origin.connections == 1
        assert origin.requests[0].header("X-Forwarded-Proto") == "http", "the client's own, not the server's"


def test_a_response_cut_short_is_visibly_cut(tls: Proxy, certificate: Path) -> None:
    def handler(connection: Connection) -> None:
        secured(connection, certificate)
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    with Origin(handler) as origin, Client(tls.web) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: {route(tls, origin)}\r\n\r\n".encode())
        assert b"Content-Length: 10" in client.head()
        assert client.rest() == b"half"


def listening(certificate: Path) -> Handler:
    """Return a handler that reads everything; with TLS 1.3 the refusal may come only after the handshake."""

    def handler(connection: Connection) -> None:
        with suppress(OSError):
            secured(connection, certificate)
            connection.read()

    return handler


def test_a_certificate_for_another_name_gives_502(tls: Proxy, certificate: Path) -> None:
    with Origin(listening(certificate)) as origin:
        assert tls.status(route(tls, origin, "127.0.0.2"), "/") == 502
        assert not origin.requests


def test_an_untrusted_server_certificate_gives_502(proxy: Proxy, certificate: Path) -> None:
    with Origin(listening(certificate)) as origin:
        assert proxy.status(route(proxy, origin), "/") == 502
        assert not origin.requests


def test_each_piece_of_a_compressed_stream_arrives_before_the_next_is_sent(
    tls: Proxy, certificate: Path
) -> None:
    release = threading.Semaphore(0)

    def handler(connection: Connection) -> None:
        secured(connection, certificate)
        while connection.read():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            for number in range(3):
                connection.send(b"data: %d\n\n" % number)
                assert release.acquire(timeout=30)
            return

    with Origin(handler) as origin, Client(tls.web) as client:
        tls.middlewares["compress@x"] = Middleware("compress@x", "compress", {})
        host = route(tls, origin, middlewares=("compress@x",))
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        assert b"Content-Encoding: gzip" in client.head()
        encoded, expected = b"", b""
        for number in range(3):
            expected += b"data: %d\n\n" % number
            while decode("gzip", encoded) != expected:
                encoded += client.chunk()
            release.release()
        while piece := client.chunk():
            encoded += piece
        assert is_complete("gzip", encoded)
