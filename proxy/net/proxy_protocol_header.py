"""Writes headers of the PROXY protocol, versions 1 and 2, by which a server learns the client's address.

The format is that of HAProxy's specification (proxy-protocol.txt, §2.1 and §2.2).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from msgspec import Struct

Version = Literal[1, 2]

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY, _LOCAL = 0x21, 0x20
"""Version 2 with its commands: for a client, and for a connection of the proxy's own."""
_TCP_OVER_IPV4, _TCP_OVER_IPV6 = 0x11, 0x21


class Addresses(Struct, frozen=True, gc=False):
    """The IP address and port of a client, and those that it has connected to."""

    source: str
    source_port: int
    destination: str
    destination_port: int


def header_for_client(version: Version, addresses: Addresses) -> bytes:
    """Return the header for a client's connection.

    If only one of the addresses is of IPv4, both are written in their form of IPv6.
    """
    source, destination = _read(addresses.source), _read(addresses.destination)
    if source is None or destination is None:
        # The client has no IP address, as over a Unix socket.
        return header_without_client(version)
    if source.version != destination.version:
        source, destination = _as_ipv6(source), _as_ipv6(destination)
    ports = addresses.source_port, addresses.destination_port
    if version == 1:
        return b"PROXY TCP%d %b %b %d %d\r\n" % (
            source.version,
            _text(source),
            _text(destination),
            *ports,
        )
    family = _TCP_OVER_IPV4 if source.version == 4 else _TCP_OVER_IPV6
    content = source.packed + destination.packed + b"".join(port.to_bytes(2) for port in ports)
    return _SIGNATURE + bytes((_PROXY, family)) + len(content).to_bytes(2) + content


def header_without_client(version: Version) -> bytes:
    """Return the header for a connection of the proxy's own, such as a probe."""
    if version == 1:
        return b"PROXY UNKNOWN\r\n"
    return _SIGNATURE + bytes((_LOCAL, 0, 0, 0))


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _as_ipv6(address: IPv4Address | IPv6Address) -> IPv6Address:
    return address if isinstance(address, IPv6Address) else IPv6Address(f"::ffff:{address}")


def _text(address: IPv4Address | IPv6Address) -> bytes:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return f"::ffff:{mapped}".encode() if mapped else str(address).encode()
