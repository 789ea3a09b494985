"""How the proxy speaks TLS to a server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The TLS context for a server, which has the checks of its certificate.

    `server_name` replaces the server's host in the handshake and in the check of the certificate.
    `peer_uri` is a URI that the certificate must have; empty for none.
    """

    context: ssl.SSLContext
    server_name: str = ""
    peer_uri: str = ""
