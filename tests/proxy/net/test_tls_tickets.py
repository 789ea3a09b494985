"""Session tickets of TLS 1.3: only for clients that can use them."""

import socket
import struct
from pathlib import Path

import gevent
import pytest

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.net.tls_stream import TlsStream
from tests.lab.certificate import write_certificate
from tests.proxy.net.tls_client import TlsClient, tcp_connection
from tests.proxy.tls.handshakes import server_context

# struct tcp_info of Linux: tcpi_unacked, the number of segments that are not acknowledged.
UNACKNOWLEDGED = struct.Struct("24xI")


def unacknowledged(sock: socket.socket) -> int:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, UNACKNOWLEDGED.size)
    found: int = UNACKNOWLEDGED.unpack(info)[0]
    return found


@pytest.mark.parametrize("tickets", [True, False])
def test_a_client_gets_tickets_only_if_it_can_use_them(tmp_path: Path, tickets: bool) -> None:
    context = server_context(write_certificate(tmp_path / "own.pem"))
    number = context.num_tickets
    with tcp_connection() as (ours, theirs):
        plain = Stream(ours, Sweeper())
        serving = gevent.spawn(TlsStream, plain, context, tickets=tickets)
        client = TlsClient(theirs)
        client.shake_hands()
        stream = serving.get()
        # Else the client might wait for up to 40 ms until it sends its request.
        assert unacknowledged(theirs) == 0
        stream.send(b"response")
        assert client.read() == b"response"
        session = client.tls.session
        stream.close()
    assert session is not None
    assert session.has_ticket is tickets
    assert context.num_tickets == number
