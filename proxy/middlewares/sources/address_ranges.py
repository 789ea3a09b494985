"""Sets of addresses and networks, searched in logarithmic time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network

MAX_REMEMBERED = 1024
"""Addresses per set whose result is remembered, because most clients send many requests."""

_MAPPED = IPv6Network("::ffff:0:0/96")


class AddressRanges:
    """The addresses of some networks. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is an IPv4 address."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Read addresses and networks in CIDR notation. Raises ValueError."""
        found = [_unmap(ip_network(text, strict=False)) for text in networks]
        self._bounds = {
            4: _bounds(collapse_addresses([each for each in found if isinstance(each, IPv4Network)])),
            6: _bounds(collapse_addresses([each for each in found if isinstance(each, IPv6Network)])),
        }
        self.holds = lru_cache(MAX_REMEMBERED)(self._holds)
        """Return whether a text is an address of these networks; False if it is no address."""

    def _holds(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        first, last = self._bounds[address.version]
        position = bisect_right(first, int(address)) - 1
        return position >= 0 and int(address) <= last[position]


def _bounds(networks: Iterable[IPv4Network | IPv6Network]) -> tuple[list[int], list[int]]:
    """Return the first and the last addresses of disjoint networks in ascending order."""
    found = list(networks)
    return [int(each.network_address) for each in found], [int(each.broadcast_address) for each in found]


def _unmap(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the IPv4 network of a network of IPv4-mapped addresses; return others unchanged."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network
