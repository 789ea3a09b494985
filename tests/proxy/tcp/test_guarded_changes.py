"""No client reaches new servers by way of former routers and middlewares, whenever it connects."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from msgspec.structs import replace

from rondpoint.model import Middleware
from tests.lab.tcp_server import Handler, TcpServer, announce
from tests.lab.waiting import until
from tests.proxy.running import Proxy
from tests.proxy.tcp.routing import ANYTHING, connect, route, service, sni
from tests.proxy.tls.handshakes import client_context

Start = Callable[[Handler], TcpServer]
Change = Callable[[Proxy, str], None]

EVERYBODY = Middleware("m@x", "ipAllowList", {"sourceRange": ["0.0.0.0/0"]})
OTHERS = {"sourceRange": ["10.0.0.0/8"]}


class Handshake:
    """A handshake of which the client has not sent its last message."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self._connection = connection
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = client_context(ssl.TLSVersion.TLSv1_3)
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=name)
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.do_handshake()
        connection.sendall(self._to_send.read())
        while True:
            self._received.write(connection.recv(65536))
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                continue

    def finish(self) -> bytes:
        """Send the last message, and return what the server sends first; b"" if the proxy closes."""
        self._connection.sendall(self._to_send.read())
        while True:
            try:
                return self._tls.read(1)
            except ssl.SSLWantReadError:
                if data := self._connection.recv(65536):
                    self._received.write(data)
                else:
                    self._received.write_eof()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""


def guard_the_router(proxy: Proxy, name: str) -> None:
    proxy.tcp_middlewares["new@x"] = Middleware("new@x", "ipAllowList", OTHERS)
    proxy.tcp_routers[name] = replace(proxy.tcp_routers[name], middlewares=("new@x",))


def narrow_the_middleware(proxy: Proxy, _name: str) -> None:
    proxy.tcp_middlewares["m@x"] = Middleware("m@x", "ipAllowList", OTHERS)


def remove_the_router(proxy: Proxy, name: str) -> None:
    del proxy.tcp_routers[name]


def change_another_middleware(proxy: Proxy, _name: str) -> None:
    proxy.tcp_middlewares["other@x"] = Middleware("other@x", "ipAllowList", OTHERS)


@pytest.mark.parametrize(
    ("change", "reaches"),
    [
        (guard_the_router, b""),
        (narrow_the_middleware, b""),
        (remove_the_router, b""),
        (change_another_middleware, b"n"),
    ],
)
def test_a_new_server_is_reached_only_by_the_present_guards(
    change: Change, reaches: bytes, proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    old, new = server(announce(b"o")), server(announce(b"n"))
    name = route(proxy, "both", sni("a.test"), old.port, tls=True, middlewares=(EVERYBODY,))
    with connect(ports["both"]) as connection:
        handshake = Handshake(connection, "a.test")
        proxy.tcp_services[name] = service(name, new.port)
        change(proxy, name)
        proxy.publish()
        assert handshake.finish() == reaches
    assert new.accepted == len(reaches)


def test_no_connection_sees_a_part_of_a_large_change(
    proxy: Proxy, ports: dict[str, int], server: Start
) -> None:
    old, new = server(announce(b"o")), server(announce(b"n"))
    name = route(proxy, "tcp", ANYTHING, old.port)
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            with suppress(OSError), connect(ports["tcp"]) as client:
                client.recv(1)

    clients = [threading.Thread(target=load) for _ in range(6)]
    for client in clients:
        client.start()
    try:
        until(lambda: old.accepted > 50, "connections")
        # The worker applies so many objects in portions, and serves clients between two of them. The service
        # is in the first portion, the router in the last.
        proxy.tcp_services[name] = service(name, new.port)
        proxy.tcp_services.update((f"z{number}@x", service(f"z{number}@x", 1)) for number in range(20_000))
        guard_the_router(proxy, name)
        proxy.publish()
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert new.accepted == 0
