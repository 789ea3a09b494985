"""The peers that an entry point trusts."""

from ipaddress import ip_network

import pytest

from proxy.downstream.trusted_peers import TrustedPeers

PROXIES = TrustedPeers(networks=(ip_network("10.0.0.0/8"), ip_network("192.168.1.7"), ip_network("fd00::/8")))


@pytest.mark.parametrize("peer", ["10.0.0.0", "10.255.1.2", "192.168.1.7", "::ffff:10.1.2.3", "fd00::1%eth0"])
def test_trusted(peer: str) -> None:
    assert PROXIES.includes(peer)


@pytest.mark.parametrize("peer", ["11.0.0.1", "192.168.1.8", "::ffff:11.0.0.1", "fe80::1%eth0", "::10.0.0.1"])
def test_not_trusted(peer: str) -> None:
    assert not PROXIES.includes(peer)


def test_everyone_and_no_one() -> None:
    assert TrustedPeers(everyone=True).includes("11.0.0.1")
    assert not TrustedPeers().includes("127.0.0.1")
