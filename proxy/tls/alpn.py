"""Which protocol is spoken over TLS: the choice by ALPN (RFC 7301), and what HTTP/2 asks of TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rondpoint.tls.model import TlsOptions

HTTP_2 = "h2"
SERVED = (HTTP_2, "http/1.1")
"""The protocols that entry points serve, the preferred one first."""

_EPHEMERAL = ("ECDHE-", "DHE-")
_AEAD = ("GCM", "CCM", "CHACHA20-POLY1305")


def offered_protocols(options: TlsOptions) -> tuple[str, ...]:
    """Return the protocols to offer, the preferred one first."""
    return tuple(each for each in options.alpn if each in SERVED) if options.alpn else SERVED


def offered_for_tcp(options: TlsOptions) -> tuple[str, ...]:
    """Return the protocols to offer to clients of a TCP router, the preferred one first.

    Its servers may speak any protocol.
    """
    return options.alpn or SERVED


def has_common_protocol(wanted: tuple[bytes, ...], offered: tuple[str, ...]) -> bool:
    """Return whether a client that wants one of these protocols can be served with those that are offered."""
    if not wanted:
        return True
    if any(each.encode() in wanted for each in offered):
        return True
    # HTTP/2 alone: like Go, serve clients of HTTP/1.1 as if they had offered nothing.
    return HTTP_2 in offered and b"http/1.1" in wanted


def is_adequate_for_http2(version: str, suite: str) -> bool:
    """Return whether HTTP/2 may be spoken with this version and cipher suite, in OpenSSL's names.

    Of the suites of TLS 1.2, RFC 9113 prohibits all without an ephemeral key exchange and AEAD (§9.2.2).
    """
    if version == "TLSv1.2":
        return suite.startswith(_EPHEMERAL) and any(mode in suite for mode in _AEAD)
    return version == "TLSv1.3"
