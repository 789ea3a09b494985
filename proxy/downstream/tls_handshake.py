"""Performs the TLS handshake with a client."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from proxy.acme_challenges.challenge_lookup import LookupFailedError
from proxy.acme_challenges.tls_alpn_challenges import is_challenge
from proxy.net.tls_stream import TlsStream
from proxy.tls.client_hello import ClientHello, ClientHelloError, bytes_needed, parse_client_hello
from proxy.tls.errors import DECODE_ERROR, INTERNAL_ERROR, UNRECOGNIZED_NAME, HandshakeError
from proxy.tls.handshake_failures import failure_reason

if TYPE_CHECKING:
    import ssl

    from proxy.acme_challenges.tls_alpn_challenges import TlsAlpnChallenges
    from proxy.net.stream import Stream
    from proxy.tls.entry_point_contexts import EntryPointContexts

log = logging.getLogger(__name__)

_FATAL_ALERT = b"\x15\x03\x01\x00\x02\x02%c"
"""A record with an alert (RFC 8446 §6)."""


def start_tls(
    stream: Stream,
    contexts: EntryPointContexts,
    challenges: TlsAlpnChallenges | None,
    deadline: float,
    early: bytes,
    tcp_options: str = "",
) -> TlsStream | None:
    """Perform the handshake; return None, and close the connection, unless it succeeds until `deadline`.

    A CA that checks one of the `challenges` gets its answer, and None is returned, too. `early` are bytes
    that were received before. `tcp_options` is the name of the TLS options of the TCP router that takes the
    connection; without one, they follow from the server name.
    """
    stream.deadline = deadline
    try:
        hello, early = receive_hello(stream, early)
        answers = challenges if is_challenge(hello) else None
        context, options = _choose_context(stream, contexts, answers, hello, tcp_options)
        tls_stream = TlsStream(
            stream, context, deadline=deadline, early=early, tls_options=options, tickets=hello.resumes
        )
        if answers is None:
            return tls_stream
        tls_stream.close()
    except (ClientHelloError, HandshakeError, OSError) as error:
        reason = failure_reason(error, expired=monotonic() >= deadline)
        contexts.failures[reason] += 1
        log.debug("a TLS handshake failed (%s): %s", reason, error)
    return None


def receive_hello(stream: Stream, data: bytes) -> tuple[ClientHello, bytes]:
    """Return the ClientHello and all bytes received so far; `data` were received before.

    Close the connection and raise ClientHelloError or OSError if none comes.
    """
    try:
        while (hello := parse_client_hello(data)) is None:
            needed = bytes_needed(data)
            while len(data) < needed:
                more = stream.recv()
                if not more:
                    raise ClientHelloError("the client sent no whole ClientHello")
                data += more
    except ClientHelloError:
        _refuse(stream, DECODE_ERROR)
        raise
    except BaseException:
        stream.close()
        raise
    return hello, data


def _choose_context(
    stream: Stream,
    contexts: EntryPointContexts,
    challenges: TlsAlpnChallenges | None,
    hello: ClientHello,
    tcp_options: str,
) -> tuple[ssl.SSLContext, str]:
    """Return the context for a client, and the name of its options; that of a challenge if there are some.

    Close the connection and raise HandshakeError or OSError if there is none.
    """
    try:
        if challenges is not None:
            return _find_challenge(challenges, hello.server_name), ""
        address = stream.sock.getsockname()[0] if not hello.server_name else ""
        address = address.removeprefix("::ffff:")
        if tcp_options:
            return contexts.find_for_tcp(hello, address, tcp_options), tcp_options
        return contexts.find(hello, address)
    except HandshakeError as error:
        _refuse(stream, error.alert)
        raise
    except BaseException:
        stream.close()
        raise


def _find_challenge(challenges: TlsAlpnChallenges, server_name: str) -> ssl.SSLContext:
    """Return the context that answers a challenge. Raises HandshakeError."""
    try:
        context = challenges.context(server_name)
    except LookupFailedError as error:
        raise HandshakeError(INTERNAL_ERROR, f"the challenge was not answered: {error}") from error
    if context is None:
        raise HandshakeError(UNRECOGNIZED_NAME, f"there is no TLS-ALPN-01 challenge for {server_name}")
    return context


def _refuse(stream: Stream, alert: int) -> None:
    """Send a fatal alert, and close the connection. Raises OSError."""
    try:
        stream.send(_FATAL_ALERT % alert)
    finally:
        stream.close()
