"""Tests of how providers are found by their names."""

import pytest

from discovery.acme.dns.errors import ConfigurationError
from tests.discovery.acme.dns.providing import provider


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("cloudfare", "cloudflare"),
        ("Cloudflare", "cloudflare"),
        ("rfc-2136", "rfc2136"),
        ("route-53", "route53"),
        ("acme_dns", "acmedns"),
    ],
)
def test_the_nearest_provider_is_suggested_for_an_unknown_one(name: str, nearest: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^unknown DNS provider '{name}'$") as caught:
        provider(name, {})
    assert caught.value.hint.startswith(f"did you mean {nearest}? ")


def test_other_ways_are_named_if_no_provider_is_near() -> None:
    with pytest.raises(ConfigurationError, match=r"^unknown DNS provider 'xyzzy'$") as caught:
        provider("xyzzy", {})
    assert (
        caught.value.hint
        == "for other DNS services there are exec, httpreq, and acme-dns with a CNAME record"
    )


def test_the_provider_manual_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigurationError, match="asks a person for each record, at each renewal"):
        provider("manual", {})
