"""A TLS client that works step by step beside the greenlet of the server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import gevent

from tests.proxy.tls.handshakes import client_context


@contextmanager
def tcp_connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield the server's and the client's end of a TCP connection; neither blocks."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        server, _ = listener.accept()
        for each in (server, client):
            each.setblocking(False)
        with server:
            yield server, client


def receive(sock: socket.socket) -> bytes:
    """Return the next bytes; other greenlets run meanwhile."""
    with gevent.Timeout(10):
        while True:
            try:
                return sock.recv(100_000)
            except BlockingIOError:
                gevent.sleep(0.001)


def receive_all(sock: socket.socket) -> bytes:
    """Return all bytes up to the end."""
    received = b""
    while data := receive(sock):
        received += data
    return received


class TlsClient:
    """A client of one version of TLS; `tls` gets what is written to `received`."""

    def __init__(self, sock: socket.socket, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self._sock = sock
        self._to_send = ssl.MemoryBIO()
        self.received = ssl.MemoryBIO()
        self.tls = client_context(version).wrap_bio(self.received, self._to_send, server_hostname="localhost")

    def shake_hands(self) -> None:
        """Perform the handshake up to the client's last message, which is sent."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._sock.sendall(self._to_send.read())
                self.received.write(receive(self._sock))
        self._sock.sendall(self._to_send.read())

    def send(self, data: bytes) -> None:
        self.tls.write(data)
        self.flush()

    def flush(self) -> None:
        """Send what OpenSSL has written."""
        self._sock.sendall(self._to_send.read())

    def read(self) -> bytes:
        """Return the next bytes that the server sends."""
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.received.write(receive(self._sock))
