"""WebSockets over a stream of HTTP/2 (RFC 8441), for servers that open them as RFC 6455 says."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from hashlib import sha1

from proxy.http1.header_lines import without

_ACCEPT = re.compile(rb"\r\n(?i:sec-websocket-accept):[ \t]*([^\r\n]*)")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def with_key(headers: bytes) -> tuple[bytes, bytes]:
    """Return a request's header lines with a new key, which HTTP/2 has not, and the key (RFC 6455 §4.1)."""
    key = b64encode(os.urandom(16))
    return without(headers, b"sec-websocket-key") + b"\r\nSec-WebSocket-Key: " + key, key


def accepts_key(head: bytes, key: bytes) -> bool:
    """Return whether a response says that the server has read this key (RFC 6455 §4.2.2)."""
    expected = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
    return [value.rstrip(b" \t") for value in _ACCEPT.findall(head)] == [expected]


def extended_connect_head(head: bytes) -> bytes:
    """Return the head that tells a client of HTTP/2 what a 101 tells one of HTTP/1.1."""
    lines = head[head.index(b"\r\n") :] if b"\r\n" in head else b""
    return b"HTTP/1.1 200 OK" + without(lines, b"sec-websocket-accept")
