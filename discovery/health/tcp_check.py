"""The bytes of a TCP health check: what is sent, and whether the response passes."""

from __future__ import annotations

from rondpoint.tcp.model import ProxyProtocolVersion, TcpHealthCheck, TcpServer

_PROXY_V1 = b"PROXY UNKNOWN\r\n"
# The signature, then version 2 with the command LOCAL, no address family, and no addresses.
_PROXY_V2 = b"\r\n\r\n\x00\r\nQUIT\n" + b"\x20\x00\x00\x00"
_HEADERS: dict[ProxyProtocolVersion, bytes] = {0: b"", 1: _PROXY_V1, 2: _PROXY_V2}


def proxy_header(version: ProxyProtocolVersion) -> bytes:
    """Return the header of the PROXY protocol for a connection that has no client."""
    return _HEADERS[version]


def checked_port(server: TcpServer, check: TcpHealthCheck) -> int:
    """Return the port to connect to."""
    return check.port or server.port


def response_fault(response: bytes, expected: bytes) -> str:
    """Return why a response fails the check; empty if it begins with the expected bytes."""
    if response.startswith(expected):
        return ""
    if not response:
        return "it closed the connection without a response"
    return f"its response begins with {response[:_SHOWN]!r} instead of {expected[:_SHOWN]!r}"


_SHOWN = 40
"""Bytes of a response in a message."""
