"""PROXY protocol headers, as bytes: the client they name, their end, and invalid headers."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.net.proxy_protocol import ProxyHeader, ProxyProtocolError, parse_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def binary(family: int, addresses: bytes, *, command: int = 0x21, tlvs: bytes = b"") -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(addresses + tlvs)) + addresses + tlvs


def v4(source: str = "1.2.3.4") -> bytes:
    return socket.inet_aton(source) + socket.inet_aton("5.6.7.8") + struct.pack("!HH", 50000, 80)


def v6(source: str = "2001:db8::1") -> bytes:
    packed = socket.inet_pton(socket.AF_INET6, source)
    return packed + socket.inet_pton(socket.AF_INET6, "::1") + struct.pack("!HH", 50000, 80)


TLVS = b"\x03\x00\x04crc!" + b"\x04\x00\x00" + b"\x20\x00\x05\x01\0\0\0\0"
HEADERS = {
    "version 1, IPv4": (b"PROXY TCP4 1.2.3.4 5.6.7.8 50000 80\r\n", "1.2.3.4"),
    "version 1, greatest IPv4": (
        b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        "255.255.255.255",
    ),
    "version 1, port 0": (b"PROXY TCP4 1.2.3.4 5.6.7.8 0 80\r\n", "1.2.3.4"),
    "version 1, IPv6": (b"PROXY TCP6 2001:DB8::1 ::1 50000 80\r\n", "2001:db8::1"),
    "version 1, longest": (
        b"PROXY TCP6 "
        b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ),
    "version 1, IPv4 in IPv6": (b"PROXY TCP6 ::ffff:1.2.3.4 ::1 50000 80\r\n", "1.2.3.4"),
    "version 1, unknown": (b"PROXY UNKNOWN\r\n", None),
    "version 1, unknown with more": (b"PROXY UNKNOWN ffff:: 1 what 65535\r\n", None),
    "version 2, IPv4": (binary(0x11, v4()), "1.2.3.4"),
    "version 2, IPv4 with more": (binary(0x11, v4(), tlvs=TLVS), "1.2.3.4"),
    "version 2, IPv6": (binary(0x21, v6()), "2001:db8::1"),
    "version 2, IPv6 with more": (binary(0x21, v6(), tlvs=TLVS), "2001:db8::1"),
    "version 2, IPv4 in IPv6": (binary(0x21, v6("::ffff:1.2.3.4")), "1.2.3.4"),
    "version 2, local": (binary(0, b"", command=0x20), None),
    "version 2, local with addresses": (binary(0x11, v4(), command=0x20), None),
    "version 2, local of an unknown family": (binary(0x99, b"abc", command=0x20), None),
    "version 2, unspecified": (binary(0, b""), None),
    "version 2, unspecified with more": (binary(0, b"xyz", tlvs=TLVS), None),
    "version 2, datagrams": (binary(0x12, v4()), None),
    "version 2, Unix socket": (binary(0x31, bytes(216)), None),
    "version 2, longest": (binary(0x11, v4(), tlvs=bytes(65535 - 12)), "1.2.3.4"),
}
MALFORMED = {
    "lower-case family": b"PROXY tcp4 1.2.3.4 5.6.7.8 50000 80\r\n",
    "another family": b"PROXY UDP4 1.2.3.4 5.6.7.8 50000 80\r\n",
    "two spaces": b"PROXY  TCP4 1.2.3.4 5.6.7.8 50000 80\r\n",
    "space at the end": b"PROXY TCP4 1.2.3.4 5.6.7.8 50000 80 \r\n",
    "no addresses": b"PROXY TCP4\r\n",
    "one port": b"PROXY TCP4 1.2.3.4 5.6.7.8 50000\r\n",
    "port too great": b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n",
    "port with a leading zero": b"PROXY TCP4 1.2.3.4 5.6.7.8 050 80\r\n",
    "negative port": b"PROXY TCP4 1.2.3.4 5.6.7.8 -1 80\r\n",
    "IPv4 with a leading zero": b"PROXY TCP4 01.2.3.4 5.6.7.8 50000 80\r\n",
    "IPv4 too short": b"PROXY TCP4 1.2.3 5.6.7.8 50000 80\r\n",
    "IPv6 as IPv4": b"PROXY TCP4 ::1 5.6.7.8 50000 80\r\n",
    "IPv4 as IPv6": b"PROXY TCP6 1.2.3.4 ::1 50000 80\r\n",
    "IPv6 with a zone": b"PROXY TCP6 fe80::1%eth0 ::1 50000 80\r\n",
    "destination is no address": b"PROXY TCP4 1.2.3.4 host 50000 80\r\n",
    "bare LF": b"PROXY TCP4 1.2.3.4 5.6.7.8 50000 80\n" + b"x" * 90,
    "UNKNOWNS": b"PROXY UNKNOWNS\r\n",
    "line without an end": b"PROXY UNKNOWN " + b"x" * 93,
    "line too long": b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    "version 1 in binary": binary(0x11, v4(), command=0x11),
    "version 3": binary(0x11, v4(), command=0x31),
    "unknown command": binary(0x11, v4(), command=0x22),
    "unknown family": binary(0x41, v4()),
    "unknown transport": binary(0x13, v4()),
    "IPv4 cut short": binary(0x11, v4()[:-1]),
    "IPv6 cut short": binary(0x21, v6()[:-1]),
    "Unix socket cut short": binary(0x31, bytes(215)),
}
OTHERS = [
    b"GET / HTTP/1.1\r\n",
    b"POST / HTTP/1.1\r\n",
    b"PROPFIND / HTTP/1.1\r\n",
    b"PROXY/1",
    b"proxy TCP4 1.2.3.4 5.6.7.8 50000 80\r\n",
    b"\r\nGET / HTTP/1.1\r\n",
    b"\r\n\r\n\0\r\nQUIT\r\n",
    b"\x16\x03\x01",
]


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_means_the_same_in_any_split(name: str) -> None:
    header, source = HEADERS[name]
    for end in {*range(min(len(header), 400)), len(header) - 1}:
        assert parse_header(header[:end]) is None
    for after in (b"", b"GET / HTTP/1.1\r\n", header):
        parsed = parse_header(header + after)
        assert parsed is not None
        assert (parsed.source, parsed.size) == (source, len(header))


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_header_is_an_error_in_any_split(name: str) -> None:
    header = MALFORMED[name]
    for end in range(len(header)):
        try:
            assert parse_header(header[:end]) is None
        except ProxyProtocolError:
            break
    with pytest.raises(ProxyProtocolError):
        parse_header(header)


@pytest.mark.parametrize("data", OTHERS)
def test_other_bytes_are_no_header(data: bytes) -> None:
    assert parse_header(data) == ProxyHeader()


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(addresses, st.integers(0, 65535), st.binary(max_size=30), st.booleans(), st.binary(max_size=20))
def test_any_address_is_read(address: object, port: int, tlvs: bytes, text: bool, after: bytes) -> None:
    source = str(address)
    six = ":" in source
    if text:
        other = "::" if six else "0.0.0.0"
        header = f"PROXY TCP{6 if six else 4} {source} {other} {port} {port}\r\n".encode()
    else:
        header = binary(0x21, v6(source), tlvs=tlvs) if six else binary(0x11, v4(source), tlvs=tlvs)
    assert all(parse_header(header[:end]) is None for end in range(len(header)))
    parsed = parse_header(header + after)
    assert parsed is not None
    assert parsed.size == len(header)
    assert parsed.source == source or source.startswith("::ffff:")


@given(
    st.sampled_from([header for header, _ in HEADERS.values() if len(header) < 300]),
    st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=2), st.integers(0, 2)), max_size=4),
)
def test_random_bytes_give_an_error_or_a_result(header: bytes, changes: list[tuple[int, bytes, int]]) -> None:
    data = header
    for place, added, removed in changes:
        position = place % (len(data) + 1)
        data = data[:position] + added + data[position + removed :]
    try:
        parsed = parse_header(data)
    except ProxyProtocolError:
        return
    assert parsed is None or parsed.size <= len(data)
