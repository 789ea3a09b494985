"""Clients resume their TLS sessions at any worker of any instance."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import running_proxy
from tests.proxy.tls.handshakes import client_context

RECONNECTS = 40


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[list[int]]:
    """The TLS ports of two instances with two workers each, on one store."""
    certificate = write_certificate(tmp_path / "own.pem")
    ports = [free_port(), free_port()]
    directories = [tmp_path / "one", tmp_path / "other"]
    flags = [
        (
            f"--entryPoints.websecure.address=127.0.0.1:{port}",
            f"--entryPoints.websecure.tls.certificates={certificate},{certificate}",
        )
        for port in ports
    ]
    for directory in directories:
        directory.mkdir()
    with (
        Store(tmp_path) as store,
        running_proxy(directories[0], store, *flags[0], workers=2),
        running_proxy(directories[1], store, *flags[1], workers=2),
    ):
        yield ports


def request(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[bool, ssl.SSLSession]:
    """Send a request over a new connection; return whether it resumed the session, and its own session."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    with context.wrap_socket(plain, session=session) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        assert client.recv(9) == b"HTTP/1.1 "
        found = client.session
        assert found is not None
        return bool(client.session_reused), found


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_every_reconnection_resumes_the_session(ports: list[int], version: ssl.TLSVersion) -> None:
    context = client_context(version)

    def resumed_in_a_row() -> bool:
        _, session = request(ports[0], context, None)
        for number in range(1, RECONNECTS):
            reused, session = request(ports[number % 2], context, session)
            if not reused:
                return False
        return True

    # Until the last of the four workers has read the keys from the store.
    until(resumed_in_a_row, "all sessions resumed")
