"""The last bytes of a stream, which leave with its end."""

import socket
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.net.tls_stream import TlsStream
from tests.lab.certificate import write_certificate
from tests.proxy.net.tls_client import TlsClient, receive_all, tcp_connection
from tests.proxy.tls.handshakes import server_context

LARGE = bytes(range(256)) * 20_000


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    with tcp_connection() as ends:
        yield ends


@pytest.mark.parametrize("ends", ["close", "shutdown"])
def test_they_wait_for_the_end(sockets: tuple[socket.socket, socket.socket], ends: str) -> None:
    stream = Stream(sockets[0], Sweeper())
    stream.send_last(b"the last bytes")
    with pytest.raises(BlockingIOError):
        sockets[1].recv(100)
    if ends == "close":
        stream.close()
    else:
        stream.shutdown(socket.SHUT_WR)
    # Without waiting: nothing is left to a timer of the kernel.
    assert sockets[1].recv(100) == b"the last bytes"
    assert sockets[1].recv(100) == b""


def test_they_are_complete_if_the_peer_reads_slowly(sockets: tuple[socket.socket, socket.socket]) -> None:
    stream = Stream(sockets[0], Sweeper())

    def send() -> None:
        stream.send_last(LARGE)
        stream.close()

    sending = gevent.spawn(send)
    assert receive_all(sockets[1]) == LARGE
    sending.get()


@pytest.mark.parametrize("ends", ["close", "shutdown"])
@pytest.mark.parametrize("data", [b"the last bytes", LARGE], ids=["short", "large"])
def test_with_tls_close_notify_comes_between_them_and_the_end(
    sockets: tuple[socket.socket, socket.socket], tmp_path: Path, data: bytes, ends: str
) -> None:
    certificate = write_certificate(tmp_path / "own.pem")
    client = TlsClient(sockets[1])

    def respond() -> TlsStream:
        stream = TlsStream(Stream(sockets[0], Sweeper()), server_context(certificate))
        assert stream.recv() == b"request"
        stream.send_last(data)
        if ends == "close":
            stream.close()
        else:
            stream.shutdown(socket.SHUT_WR)
        return stream

    serving = gevent.spawn(respond)
    client.shake_hands()
    client.send(b"request")
    client.received.write(receive_all(sockets[1]))
    client.received.write_eof()
    found = b""
    # Without close_notify the end would be an SSLEOFError.
    while more := client.tls.read(65536):
        found += more
    assert found == data
    serving.get().close()
