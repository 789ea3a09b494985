"""Headers of the PROXY protocol that the proxy writes, read by the parser for those that it receives."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.net.proxy_protocol import ProxyHeader, parse_header
from proxy.net.proxy_protocol_header import Addresses, header_for_client, header_without_client

VERSIONS: tuple[Literal[1, 2], ...] = (1, 2)

ip = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
port = st.integers(0, 65535)


def plain(text: str) -> str:
    address = ip_address(text)
    return str(getattr(address, "ipv4_mapped", None) or address)


@given(st.sampled_from(VERSIONS), st.builds(Addresses, ip, port, ip, port))
def test_servers_read_what_was_meant(version: Literal[1, 2], addresses: Addresses) -> None:
    header = header_for_client(version, addresses)
    assert parse_header(header + b"after") == ProxyHeader(
        plain(addresses.source),
        len(header),
        addresses.source_port,
        plain(addresses.destination),
        addresses.destination_port,
    )


def test_the_bytes_are_those_of_the_specification() -> None:
    addresses = Addresses("192.0.2.1", 56324, "198.51.100.7", 443)
    assert header_for_client(1, addresses) == b"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"
    assert header_for_client(2, addresses) == (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes((192, 0, 2, 1, 198, 51, 100, 7, 0xDC, 0x04, 0x01, 0xBB))
    )
    six = Addresses("2001:db8::1%eth0", 1, "::ffff:192.0.2.1", 2)
    assert header_for_client(1, six) == b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 2\r\n"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("addresses", [Addresses("", 0, "", 0), Addresses("10.0.0.1", 1, "/socket", 0)])
def test_a_client_without_address_is_unknown(version: Literal[1, 2], addresses: Addresses) -> None:
    header = header_for_client(version, addresses)
    assert header == header_without_client(version)
    assert parse_header(header) == ProxyHeader(size=len(header))
