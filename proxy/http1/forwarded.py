"""The `X-Forwarded-*` and `X-Real-Ip` lines of a request from a trusted proxy.

As in Traefik 3: values of the trusted proxy stay, and missing or empty ones are filled in. Its own address is
appended to its `X-Forwarded-For`, and `X-Forwarded-Server` always names the last proxy.
"""

from __future__ import annotations

import re

_CLAIMS = re.compile(rb"\r\n(?i:x-)((?i:real-ip|forwarded-(?:for|proto|port|host))):[ \t]*([^\r\n]*)")
_FORWARDED_FOR = re.compile(rb"\r\nX-Forwarded-For: ([^\r\n]*)")
_WRITTEN_ANEW = re.compile(
    rb"\r\n(?i:x-forwarded-(?:for|server)):[^\r\n]*"
    rb"|\r\n(?i:x-real-ip|x-forwarded-(?:proto|port|host)):[ \t]*(?=\r\n|\Z)"
)


def forwarded_port(host: bytes, proto: bytes) -> bytes:
    """Return the port in this Host, or else the default port of this protocol."""
    name, colon, port = host.rpartition(b":")
    if colon and port.isdigit() and not name.endswith(b":"):
        return port
    return b"443" if proto.lower() in {b"https", b"wss"} else b"80"


def without_peer(lines: bytes) -> bytes:
    """Return the lines that describe a client without the last address of X-Forwarded-For, the peer's own."""
    found = _FORWARDED_FOR.search(lines)
    if found is None:
        return lines
    others = found[1].rpartition(b", ")[0]
    kept = b"\r\nX-Forwarded-For: " + others if others else b""
    return lines[: found.start()] + kept + lines[found.end() :]


def pass_on_claims(
    headers: bytes, host: bytes, peer: bytes, own_proto: bytes, server_name: bytes
) -> tuple[bytes, bytes]:
    """Return the header lines that stay unchanged and the lines to add, each with a leading CRLF."""
    addresses: list[bytes] = []
    claimed: dict[bytes, bytes] = {}
    for name, value in _CLAIMS.findall(headers):
        stripped = value.rstrip(b" \t")
        if not stripped:
            continue
        kind = name.lower()
        if kind == b"forwarded-for":
            addresses.append(stripped)
        else:
            claimed.setdefault(kind, stripped)
    addresses.append(peer)
    lines = b"\r\nX-Forwarded-For: %b\r\nX-Forwarded-Server: %b" % (b", ".join(addresses), server_name)
    if b"real-ip" not in claimed:
        lines += b"\r\nX-Real-Ip: " + peer
    proto = claimed.get(b"forwarded-proto")
    if proto is None:
        proto = own_proto
        lines += b"\r\nX-Forwarded-Proto: " + proto
    if b"forwarded-port" not in claimed:
        lines += b"\r\nX-Forwarded-Port: " + forwarded_port(host, proto)
    if b"forwarded-host" not in claimed and host:
        lines += b"\r\nX-Forwarded-Host: " + host
    return _WRITTEN_ANEW.sub(b"", headers), lines
