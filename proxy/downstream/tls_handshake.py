"""Performs the TLS handshake with a client."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from proxy.acme_challenges.challenge_lookup import LookupFailedError
from proxy.acme_challenges.tls_alpn_challenges import is_challenge
from proxy.net.deadlines import Sweeper, after
from proxy.net.tls_stream import TlsStream
from proxy.tls.client_hello import ClientHello, ClientHelloError, parse_client_hello

if TYPE_CHECKING:
    import ssl

    from proxy.acme_challenges.tls_alpn_challenges import TlsAlpnChallenges
    from proxy.net.stream import Stream
    from proxy.tls.server_contexts import ServerContexts

log = logging.getLogger(__name__)

_FATAL_ALERT = b"\x15\x03\x01\x00\x02\x02%c"
# RFC 8446 §6.2
_DECODE_ERROR, _INTERNAL_ERROR, _UNRECOGNIZED_NAME = 50, 80, 112


def start_tls(
    stream: Stream,
    contexts: ServerContexts,
    challenges: TlsAlpnChallenges | None,
    sweeper: Sweeper,
    timeout: float,
    early: bytes,
) -> TlsStream | None:
    """Perform the handshake; return None, and close the connection, unless it succeeds within `timeout` s.

    A CA that checks one of the `challenges` gets its answer, and None is returned, too. `early` are bytes
    that were received before.
    """
    deadline = after(timeout)
    try:
        context = contexts.only
        if context is None or challenges is not None:
            stream.deadline = deadline
            hello, early = _receive_hello(stream, early)
            if challenges is not None and is_challenge(hello):
                challenge = _find_challenge(stream, challenges, hello.server_name)
                if challenge is not None:
                    TlsStream(stream.detach(), sweeper, challenge, deadline=deadline, early=early).close()
                return None
        if context is None:
            address = stream.sock.getsockname()[0] if not hello.server_name else ""
            context = contexts.find(hello.server_name, address.removeprefix("::ffff:"))
        return TlsStream(stream.detach(), sweeper, context, deadline=deadline, early=early)
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
        _refuse(stream, _DECODE_ERROR)
        raise
    except BaseException:
        stream.close()
        raise
    return hello, data


def _find_challenge(stream: Stream, challenges: TlsAlpnChallenges, server_name: str) -> ssl.SSLContext | None:
    """Return the context that answers a challenge; refuse the connection, and return None, without one."""
    try:
        context = challenges.context(server_name)
    except LookupFailedError as error:
        log.debug("the TLS-ALPN-01 challenge of %s was not answered: %s", server_name, error)
        _refuse(stream, _INTERNAL_ERROR)
        return None
    except BaseException:
        stream.close()
        raise
    if context is None:
        _refuse(stream, _UNRECOGNIZED_NAME)
    return context


def _refuse(stream: Stream, reason: int) -> None:
    """Send this fatal alert, and close the connection. Raises OSError."""
    try:
        stream.send(_FATAL_ALERT % reason)
    finally:
        stream.close()
