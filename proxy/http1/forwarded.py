"""The `X-Forwarded-*` and `X-Real-Ip` lines of a request that comes from a trusted proxy.

As Traefik 3 does: what it says is kept, what it leaves unsaid (or empty) is said in its place, its own
address goes behind those it lists, and `X-Forwarded-Server` is always the last proxy's.
"""

from __future__ import annotations

import re

_CLAIMS = re.compile(rb"\r\n(?i:x-)((?i:real-ip|forwarded-(?:for|proto|port|host))):[ \t]*([^\r\n]*)")
_WRITTEN_ANEW = re.compile(
    rb"\r\n(?i:x-forwarded-(?:for|server)):[^\r\n]*"
    rb"|\r\n(?i:x-real-ip|x-forwarded-(?:proto|port|host)):[ \t]*(?=\r\n|\Z)"
)


def forwarded_port(host: bytes, proto: bytes) -> bytes:
    """The port that a client of this Host, or else of this protocol, has asked for."""
    name, colon, port = host.rpartition(b":")
    if colon and port.isdigit() and not name.endswith(b":"):
        return port
    return b"443" if proto.lower() in {b"https", b"wss"} else b"80"


def pass_on_claims(
    headers: bytes, host: bytes, peer: bytes, own_proto: bytes, server_name: bytes
) -> tuple[bytes, bytes]:
    """The header lines that stay as they are, and those to add, both with a leading CRLF each."""
    addresses: list[bytes] = []
    said: dict[bytes, bytes] = {}
    for name, value in _CLAIMS.findall(headers):
        stripped = value.rstrip(b" \t")
        if not stripped:
            continue
        kind = name.lower()
        if kind == b"forwarded-for":
            addresses.append(stripped)
        else:
            said.setdefault(kind, stripped)
    addresses.append(peer)
    lines = b"\r\nX-Forwarded-For: %b\r\nX-Forwarded-Server: %b" % (b", ".join(addresses), server_name)
    if b"real-ip" not in said:
        lines += b"\r\nX-Real-Ip: " + peer
    proto = said.get(b"forwarded-proto")
    if proto is None:
        proto = own_proto
        lines += b"\r\nX-Forwarded-Proto: " + proto
    if b"forwarded-port" not in said:
        lines += b"\r\nX-Forwarded-Port: " + forwarded_port(host, proto)
    if b"forwarded-host" not in said and host:
        lines += b"\r\nX-Forwarded-Host: " + host
    return _WRITTEN_ANEW.sub(b"", headers), lines
