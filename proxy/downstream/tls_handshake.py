"""Performs the TLS handshake with a client."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from proxy.net.deadlines import Sweeper, after
from proxy.net.tls_stream import TlsStream
from proxy.tls.client_hello import ClientHello, ClientHelloError, parse_client_hello

if TYPE_CHECKING:
    from proxy.net.stream import Stream
    from proxy.tls.server_contexts import ServerContexts

log = logging.getLogger(__name__)

_DECODE_ERROR = b"\x15\x03\x01\x00\x02\x02\x32"
"""The fatal alert decode_error (RFC 8446 §6.2)."""


def start_tls(
    stream: Stream, contexts: ServerContexts, sweeper: Sweeper, timeout: float, early: bytes
) -> TlsStream | None:
    """Perform the handshake; return None, and close the connection, unless it succeeds within `timeout` s.

    `early` are bytes that were received before.
    """
    deadline = after(timeout)
    try:
        context = contexts.only
        if context is None:
            stream.deadline = deadline
            hello, early = _receive_hello(stream, early)
            address = stream.sock.getsockname()[0] if not hello.server_name else ""
            context = contexts.find(hello.server_name, address.removeprefix("::ffff:"))
        return TlsStream(stream, context, deadline=deadline, early=early)
    except (ClientHelloError, OSError) as error:
        log.debug("a TLS handshake failed: %s", error)
        return None


def _receive_hello(stream: Stream, data: bytes) -> tuple[ClientHello, bytes]:
    """Return the ClientHello and all bytes received so far; `data` were received before.

    Close the connection and raise ClientHelloError or OSError if none comes.
    """
    try:
        while (hello := parse_client_hello(data)) is None:
            more = stream.recv()
            if not more:
                raise ClientHelloError("the client sent no whole ClientHello")
            data += more
    except ClientHelloError:
        stream.send(_DECODE_ERROR)
        stream.close()
        raise
    except BaseException:
        stream.close()
        raise
    return hello, data
