"""Checks that a proxy resumes TLS sessions, as wrk's new connections do."""

from __future__ import annotations

import socket
import ssl

from benchmarks.errors import BenchmarkError
from benchmarks.peers.peer import HOST

RECONNECTIONS = 50
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


def verify_resumption(port: int) -> None:
    """Reconnect, each time with the last session. Raises BenchmarkError if one of them is not resumed."""
    # The certificate is self-signed and belongs to this run.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, session = _request(port, context, None)
    resumed = 0
    for _ in range(RECONNECTIONS):
        reused, session = _request(port, context, session)
        resumed += reused
    if resumed < RECONNECTIONS:
        raise BenchmarkError(f"only {resumed} of {RECONNECTIONS} reconnections resumed the TLS session")


def _request(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[bool, ssl.SSLSession | None]:
    """Send a request over a new connection; return whether it resumed `session`, and its own session."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=5)
    with context.wrap_socket(plain, session=session) as client:
        client.sendall(REQUEST)
        while client.recv(65536):
            pass
        return bool(client.session_reused), client.session
