"""The last bytes of a stream, which leave with its end."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.net.tls_stream import TlsStream
from tests.lab.certificate import write_certificate
from tests.proxy.tls.handshakes import client_context, server_context

LARGE = bytes(range(256)) * 20_000


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection, ours first; neither blocks."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as theirs,
    ):
        ours, _ = listener.accept()
        for each in (ours, theirs):
            each.setblocking(False)
        with ours:
            yield ours, theirs


def read_all(sock: socket.socket) -> bytes:
    """Read to the end, with pauses in which the other side sends."""
    received = b""
    with gevent.Timeout(10):
        while True:
            try:
                data = sock.recv(100_000)
            except BlockingIOError:
                gevent.sleep(0.001)
                continue
            if not data:
                return received
            received += data


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
    assert read_all(sockets[1]) == LARGE
    sending.get()


@pytest.mark.parametrize("ends", ["close", "shutdown"])
@pytest.mark.parametrize("data", [b"the last bytes", LARGE], ids=["short", "large"])
def test_with_tls_close_notify_comes_between_them_and_the_end(
    sockets: tuple[socket.socket, socket.socket], tmp_path: Path, data: bytes, ends: str
) -> None:
    certificate = write_certificate(tmp_path / "own.pem")
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(ssl.TLSVersion.TLSv1_3).wrap_bio(received, to_send, server_hostname="localhost")

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
    with gevent.Timeout(10):
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                sockets[1].send(to_send.read())
                gevent.sleep(0.01)
                received.write(sockets[1].recv(65536))
    client.write(b"request")
    sockets[1].send(to_send.read())
    received.write(read_all(sockets[1]))
    received.write_eof()
    found = b""
    # Without close_notify the end would be an SSLEOFError.
    while more := client.read(65536):
        found += more
    assert found == data
    serving.get().close()
