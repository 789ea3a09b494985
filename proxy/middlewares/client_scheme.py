"""The scheme of the URL that a client used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

_SECURE_PROTOCOLS = frozenset((b"https", b"wss"))
_FORWARDED_PROTO = re.compile(rb"\r\n(?i:x-forwarded-proto):[ \t]*+([^\r\n]*?)[ \t]*+(?=\r|\Z)")


def client_scheme(request: Request, client: Client) -> bytes:
    """Return `https` or `http`: a trusted client's X-Forwarded-Proto, else that of the connection."""
    # Only the lines of trusted clients are still among the headers.
    claimed = _FORWARDED_PROTO.search(request.headers)
    secure = claimed[1].lower() in _SECURE_PROTOCOLS if claimed else client.tls
    return b"https" if secure else b"http"
