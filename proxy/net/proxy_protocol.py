"""Parses headers of the PROXY protocol, versions 1 and 2, in which a proxy in front names the client.

The rules come from HAProxy's specification (proxy-protocol.txt, §2.1 and §2.2). Only the addresses and ports
are used; checksums and other TLVs are ignored. If a header names no client (`UNKNOWN`, `LOCAL`, Unix sockets,
datagrams), the peer's own address stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_TEXT = b"PROXY "
_TEXT_LIMIT = 107
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?"
    rb"|(TCP[46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) ([0-9]{1,5}) ([0-9]{1,5}))\r\n"
)
_BINARY = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = 16
# By family and transport: the minimum length of all addresses, and the length of the source address, 0 to
# ignore it.
_FAMILIES = {
    0x00: (0, 0),
    0x11: (12, 4),
    0x12: (12, 0),
    0x21: (36, 16),
    0x22: (36, 0),
    0x31: (216, 0),
    0x32: (216, 0),
}


class ProxyProtocolError(Exception):
    """A header breaks the grammar, so the bytes after it cannot be trusted."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """The client's address, or None if the header names none; `size` in bytes is 0 without a header.

    If it names a client, it has `source_port` and the address that the client has connected to, too.
    """

    source: str | None = None
    size: int = 0
    source_port: int = 0
    destination: str = ""
    destination_port: int = 0


def parse_header(data: bytes) -> ProxyHeader | None:
    """Parse the header at the start of a connection's bytes; return None while it is incomplete.

    Raises ProxyProtocolError.
    """
    if data.startswith(_BINARY):
        return _parse_binary(data)
    if data.startswith(_TEXT):
        return _parse_text(data)
    if _BINARY.startswith(data) or _TEXT.startswith(data):
        return None
    return ProxyHeader()


def _parse_text(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _TEXT_LIMIT)
    if end < 0:
        if len(data) >= _TEXT_LIMIT:
            raise ProxyProtocolError("the line is too long")
        return None
    match = _LINE.match(data)
    if match is None or match.end() != end + 2:
        raise ProxyProtocolError("the line is malformed")
    family, source, destination, *ports = match.groups()
    if family is None:
        return ProxyHeader(size=end + 2)
    if any(int(port) > 65535 or (port[:1] == b"0" and port != b"0") for port in ports):
        raise ProxyProtocolError("a port is invalid")
    kind = IPv4Address if family == b"TCP4" else IPv6Address
    source_port, destination_port = map(int, ports)
    try:
        to, client = (_format_address(kind(each.decode())) for each in (destination, source))
        return ProxyHeader(client, end + 2, source_port, to, destination_port)
    except AddressValueError as error:
        raise ProxyProtocolError(str(error)) from None


def _parse_binary(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED:
        return None
    version, command = divmod(data[12], 16)
    if version != 2 or command > 1:
        raise ProxyProtocolError("unknown version or command")
    length = int.from_bytes(data[14:16])
    size = _FIXED + length
    if command == 1:
        if data[13] not in _FAMILIES:
            raise ProxyProtocolError("unknown address family")
        least, width = _FAMILIES[data[13]]
        if length < least:
            raise ProxyProtocolError("the addresses are cut short")
    else:
        width = 0
    if len(data) < size:
        return None
    if not width:
        return ProxyHeader(size=size)
    kind = IPv4Address if width == 4 else IPv6Address
    ports = _FIXED + 2 * width
    source, destination = data[_FIXED : _FIXED + width], data[_FIXED + width : ports]
    return ProxyHeader(
        _format_address(kind(source)),
        size,
        int.from_bytes(data[ports : ports + 2]),
        _format_address(kind(destination)),
        int.from_bytes(data[ports + 2 : ports + 4]),
    )


def _format_address(address: IPv4Address | IPv6Address) -> str:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
