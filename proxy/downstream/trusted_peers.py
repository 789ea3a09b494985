"""The peers that are trusted to name the client for which they forward requests."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from rondpoint.settings.values import Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1"))
"""The peers that the admin entry point trusts by default: a proxy with TLS on this machine."""


@dataclass(frozen=True, slots=True)
class TrustedPeers:
    """Peers with addresses in `networks`, or all peers."""

    everyone: bool = False
    networks: tuple[Network, ...] = ()

    def includes(self, peer: str) -> bool:
        """Return whether the peer at this IPv4 or IPv6 address is trusted."""
        if self.everyone or not self.networks:
            return self.everyone
        address = ip_address(peer.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            # A socket that listens for both versions reports IPv4 peers in this form.
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)
