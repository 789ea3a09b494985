"""How the proxy speaks TLS to a server."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The TLS context for a server, which has the checks of its certificate.

    If `offers_http2`, it offers HTTP/2 by ALPN; `http1_context` returns a context that does not, for requests
    that need HTTP/1.1.
    `server_name` replaces the server's host in the handshake and in the check of the certificate.
    `peer_uri` is a URI that the certificate must have; empty for none.
    """

    context: ssl.SSLContext
    server_name: str = ""
    peer_uri: str = ""
    http1_context: Callable[[], ssl.SSLContext] | None = None

    @property
    def offers_http2(self) -> bool:
        return self.http1_context is not None

    def without_http2(self) -> ServerTls:
        """Return the same checks for a connection of HTTP/1.1."""
        if self.http1_context is None:
            return self
        return ServerTls(self.http1_context(), self.server_name, self.peer_uri)
