"""A peer over TLS that reads nothing holds the sender up, also while the reading greenlet has to send."""

from __future__ import annotations

import _ssl
import ctypes
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from gevent import Greenlet

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.net.tls_stream import TlsStream
from tests.lab.certificate import write_certificate
from tests.proxy.net.tls_client import TlsClient
from tests.proxy.tls.handshakes import server_context

PIECE = bytes(16_384)
PIECES = 100

_openssl = ctypes.CDLL(_ssl.__file__)
_openssl.SSL_renegotiate.argtypes = [ctypes.c_void_p]


class Peer:
    """The server's stream, whose socket takes no more bytes, and the client, which reads none."""

    def __init__(self, stream: TlsStream, client: TlsClient) -> None:
        self.stream = stream
        self._client = client
        self._reader = gevent.spawn(stream.recv)

    def ask_for_renegotiation(self) -> None:
        """Have the reading greenlet refuse a further handshake, by an alert that it cannot send."""
        connection = self._client.tls._sslobj  # type: ignore[attr-defined]
        # struct PySSLSocket: the socket, and then SSL.
        field = id(connection) + object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)
        assert _openssl.SSL_renegotiate(ctypes.c_void_p.from_address(field)) == 1
        with pytest.raises(ssl.SSLWantReadError):
            self._client.tls.do_handshake()
        self._client.flush()
        while self.stream.has_bytes():
            gevent.sleep(0.001)

    def leave(self, sending: Greenlet[[], None]) -> None:
        """End the connection; the sending greenlet must notice it."""
        self.stream.expire()
        with gevent.Timeout(10):
            sending.join()
        assert isinstance(sending.exception, OSError)
        self._reader.join()


def run_others() -> None:
    for _ in range(20):
        gevent.sleep(0)


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    # Unlike one of TCP, such a socket takes nothing more once it is full, until the other side reads.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        client = TlsClient(theirs, ssl.TLSVersion.TLSv1_2)
        context = server_context(write_certificate(tmp_path / "own.pem"))
        context.options |= ssl.OP_NO_RENEGOTIATION
        shaking = gevent.spawn(TlsStream, Stream(ours, Sweeper()), context)
        client.shake_hands()
        stream = shaking.get()
        for size in (len(PIECE), 1):
            with pytest.raises(BlockingIOError):
                while True:
                    ours.send(PIECE[:size])
        yield Peer(stream, client)
        stream.close()


def test_the_sender_waits_for_an_alert_of_the_reading_greenlet(peer: Peer) -> None:
    sent: list[int] = []

    def send() -> None:
        for number in range(PIECES):
            peer.stream.send(PIECE)
            sent.append(number)

    peer.ask_for_renegotiation()
    sending = gevent.spawn(send)
    run_others()
    assert sent == []
    peer.leave(sending)


def test_bytes_sent_without_waiting_count_as_unsent_meanwhile(peer: Peer) -> None:
    peer.ask_for_renegotiation()
    assert not peer.stream.try_send(PIECE)
    sending: Greenlet[[], None] = gevent.spawn(peer.stream.finish_send)
    run_others()
    assert not sending.dead
    peer.leave(sending)
