from pathlib import Path

import pytest

from proxy.tls.certificate_index import CertificateIndex
from rondpoint.settings.values import CertificatePair

NAMES = {
    "first": ("a.test", "www.a.test"),
    "wild": ("*.a.test",),
    "rsa": ("A.test",),
    "other": ("b.test", "b.test", "192.0.2.1"),
}
PAIRS = {each: CertificatePair(Path(f"{each}.pem"), Path(f"{each}.key")) for each in NAMES}
INDEX = CertificateIndex([(PAIRS[each], names) for each, names in NAMES.items()])


@pytest.mark.parametrize(
    ("server_name", "found"),
    [
        ("a.test", ["first", "rsa"]),
        ("www.a.test", ["first"]),
        ("x.a.test", ["wild"]),
        ("y.x.a.test", ["first", "rsa"]),
        ("*.a.test", ["wild"]),
        ("b.test", ["other"]),
        ("x.b.test", ["first", "rsa"]),
        ("test", ["first", "rsa"]),
    ],
)
def test_exact_names_come_before_wildcards_and_the_default_is_last(
    server_name: str, found: list[str]
) -> None:
    assert INDEX.find(server_name) == tuple(PAIRS[each] for each in found)


@pytest.mark.parametrize(("address", "found"), [("192.0.2.1", ["other"]), ("192.0.2.2", ["first", "rsa"])])
def test_without_a_name_the_address_counts(address: str, found: list[str]) -> None:
    assert INDEX.find("", address) == tuple(PAIRS[each] for each in found)
    assert INDEX.find("c.test", address) == (PAIRS["first"], PAIRS["rsa"])


def test_a_first_certificate_without_names_is_the_default() -> None:
    index = CertificateIndex([(PAIRS["first"], ()), (PAIRS["other"], NAMES["other"])])
    assert index.find("c.test") == (PAIRS["first"],)
    assert index.all() == {(PAIRS["first"],), (PAIRS["other"],)}
