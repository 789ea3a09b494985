"""Sets of addresses and networks."""

import pytest

from proxy.middlewares.sources.address_ranges import AddressRanges

NETWORKS = [
    *("10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "192.0.2.8/31"),
    *("2001:db8::/32", "fe80::/10", "::ffff:198.51.100.0/120"),
]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("9.255.255.255", False),
        ("11.0.0.0", False),
        ("192.0.2.6", False),
        ("192.0.2.7", True),
        ("192.0.2.9", True),
        ("192.0.2.10", False),
        ("2001:db8::1", True),
        ("2001:db9::", False),
        ("::ffff:10.0.0.1", True),
        ("::ffff:12.0.0.1", False),
        ("::a00:1", False),
        ("198.51.100.9", True),
        ("198.51.101.0", False),
        ("fe80::1%eth0", True),
        ("", False),
        ("unknown", False),
        ("10.0.0.1:80", False),
        ("010.0.0.1", False),
        ("10.0.0.1/32", False),
    ],
)
def test_an_address_is_in_the_networks(text: str, held: bool) -> None:
    holds = AddressRanges(NETWORKS).holds
    assert [holds(text), holds(text)] == [held, held]


@pytest.mark.parametrize(("network", "v4", "v6"), [("0.0.0.0/0", True, False), ("::/0", False, True)])
def test_all_addresses_of_one_version_are_not_those_of_the_other(network: str, v4: bool, v6: bool) -> None:
    holds = AddressRanges([network]).holds
    assert (holds("192.0.2.1"), holds("::1")) == (v4, v6)


def test_no_address_is_in_no_network() -> None:
    assert not AddressRanges([]).holds("192.0.2.1")
