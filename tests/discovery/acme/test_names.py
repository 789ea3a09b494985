"""Tests of the names that certificates are ordered for."""

import pytest

from discovery.acme.names import UnusableNameError, normalise


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.test", "a.test"),
        ("A.Test.", "a.test"),
        ("münchen.test", "xn--mnchen-3ya.test"),
        ("*.A.test", "*.a.test"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
    ],
)
def test_usable_names_get_one_spelling(name: str, expected: str) -> None:
    assert normalise(name, wildcards=True) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("localhost", "no dot"),
        ("", "host name"),
        ("a_b.test", "'a_b'|a_b"),
        ("-a.test", "-a"),
        ("a" * 64 + ".test", "not allowed"),
        (".".join(["a" * 50] * 6), "not allowed"),
        ("*.test.*", r"\*"),
        ("*.*.test", r"\*"),
        ("*.192.0.2.1", "address"),
        ("*", r"\*"),
        ("a b.test", "host name"),
    ],
)
def test_names_that_no_ca_certifies_are_refused(name: str, reason: str) -> None:
    with pytest.raises(UnusableNameError, match=reason):
        normalise(name, wildcards=True)


def test_a_wildcard_needs_a_dns_challenge() -> None:
    with pytest.raises(UnusableNameError, match="dnsChallenge"):
        normalise("*.a.test", wildcards=False)
