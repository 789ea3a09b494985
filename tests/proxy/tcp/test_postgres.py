"""Clients of PostgreSQL that ask for TLS, without a database: both sides speak the first messages."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.tcp.postgres import SSL_REQUEST
from tests.lab.certificate import write_certificate
from tests.lab.tcp_server import TcpServer, announce, echo
from tests.proxy.running import Proxy
from tests.proxy.tcp.routing import ANYTHING, connect, exactly, receive_all, route, sni
from tests.proxy.tls.handshakes import client_context, server_context

Start = Callable[..., TcpServer]


def ask(port: int, name: str, *, pieces: int = 1) -> ssl.SSLSocket:
    """Ask for TLS as psql does, and take it up."""
    client = connect(port)
    size = len(SSL_REQUEST) // pieces
    for at in range(0, len(SSL_REQUEST), size):
        client.sendall(SSL_REQUEST[at : at + size])
    assert exactly(client, 1) == b"S"
    return client_context(ssl.TLSVersion.TLSv1_3).wrap_socket(client, server_hostname=name)


@pytest.mark.parametrize("pieces", [1, 8])
def test_the_proxy_takes_up_tls(pieces: int, proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    route(proxy, "both", sni("db.test"), server(announce(b"p")).port, tls=True)
    with ask(ports["both"], "db.test", pieces=pieces) as client:
        client.sendall(b"startup")
        assert exactly(client, 8) == b"pstartup"


def test_passthrough_asks_the_server(
    proxy: Proxy, ports: dict[str, int], tmp_path: Path, server: Start
) -> None:
    context = server_context(write_certificate(tmp_path / "own.pem", "DNS:db.test"))

    def handle(connection: socket.socket) -> None:
        assert exactly(connection, 8) == SSL_REQUEST
        connection.sendall(b"S")
        with context.wrap_socket(connection, server_side=True) as tls:
            echo(tls)

    route(proxy, "both", sni("db.test"), server(handle).port, tls=True, passthrough=True)
    with ask(ports["both"], "db.test") as client:
        client.sendall(b"startup")
        assert exactly(client, 7) == b"startup"


@pytest.mark.parametrize("answer", [b"N", b"E", b""])
def test_a_server_that_is_not_willing_gets_nothing_more(
    answer: bytes, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    received: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        received.append(exactly(connection, 8))
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        received.append(receive_all(connection))

    running = server(handle)
    route(proxy, "both", sni("db.test"), running.port, tls=True, passthrough=True)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(ports["both"], "db.test")
    assert received[:1] == [SSL_REQUEST]
    assert received[1:] in ([], [b""])


def test_http_has_no_part_in_it(proxy: Proxy, ports: dict[str, int], server: Start) -> None:
    route(proxy, "both", sni("db.test"), server(announce(b"p")).port, tls=True)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(ports["both"], "other.test")


def test_without_routers_over_tls_the_server_answers(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    def refuse(connection: socket.socket) -> None:
        assert exactly(connection, 8) == SSL_REQUEST
        connection.sendall(b"N")
        echo(connection)

    route(proxy, "tcp", ANYTHING, server(refuse).port)
    with connect(ports["tcp"]) as client:
        client.sendall(SSL_REQUEST)
        assert exactly(client, 1) == b"N"
        client.sendall(b"startup")
        assert exactly(client, 7) == b"startup"
