"""Tests of the check that a proxy resumes TLS sessions."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.resumption import verify_resumption
from tests.lab.background import Background
from tests.lab.certificate import write_certificate


class TlsServer(Background):
    """Responds once to each connection, and gives clients so many session tickets."""

    def __init__(self, certificate: Path, tickets: int) -> None:
        super().__init__("TLS server")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.num_tickets = tickets
        self.listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with client:
                    client.recv(1000)
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    client.unwrap()

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.mark.parametrize("tickets", [1, 0])
def test_each_reconnection_must_resume_the_session(tmp_path: Path, tickets: int) -> None:
    with TlsServer(write_certificate(tmp_path / "own.pem"), tickets) as server:
        port = server.listener.getsockname()[1]
        if tickets:
            verify_resumption(port)
            return
        with pytest.raises(BenchmarkError, match="only 0 of 50"):
            verify_resumption(port)
