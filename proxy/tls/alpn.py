"""Which protocol is spoken over TLS: the choice by ALPN (RFC 7301)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rondpoint.tls.model import TlsOptions

HTTP_2 = "h2"
SERVED = (HTTP_2, "http/1.1")
"""The protocols that entry points serve, the preferred one first."""


def offered_protocols(options: TlsOptions) -> tuple[str, ...]:
    """Return the protocols to offer, the preferred one first."""
    return tuple(each for each in options.alpn if each in SERVED) if options.alpn else SERVED


def has_common_protocol(wanted: tuple[bytes, ...], options: TlsOptions) -> bool:
    """Return whether a client that offers these protocols can be served."""
    if not wanted:
        return True
    offered = offered_protocols(options)
    if any(each.encode() in wanted for each in offered):
        return True
    # HTTP/2 alone: like Go, serve clients of HTTP/1.1 as if they had offered nothing.
    return HTTP_2 in offered and b"http/1.1" in wanted
