"""The start of TLS in PostgreSQL's protocol (SSLRequest), by which clients negotiate it before they begin.

https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.net.deadlines import NEVER, after

if TYPE_CHECKING:
    from proxy.net.stream import Stream

SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
WILLING = b"S"
"""The answer of a server that speaks TLS."""

ANSWER_TIMEOUT = 10.0
"""Seconds that a server has for its answer."""


def request_tls(server: Stream) -> bool:
    """Ask a server for TLS as a client does, and return whether it is willing. Raises OSError."""
    server.send(SSL_REQUEST)
    server.deadline = after(ANSWER_TIMEOUT)
    answer = server.recv(len(WILLING))
    server.deadline = NEVER
    return answer == WILLING
