"""Which peers are believed when they speak for others."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from rondpoint.settings.values import Network


@dataclass(frozen=True, slots=True)
class Trust:
    """Peers at addresses of `networks`, or just everyone."""

    everyone: bool = False
    networks: tuple[Network, ...] = ()

    def anyone(self) -> bool:
        """Whether there can be such a peer at all."""
        return self.everyone or bool(self.networks)

    def includes(self, peer: str) -> bool:
        """Whether the peer at this address, of IPv4 or IPv6, is one of them."""
        if self.everyone or not self.networks:
            return self.everyone
        address = ip_address(peer.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            # How a listening socket for both versions shows its IPv4 peers.
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)
