from __future__ import annotations

import random
import tracemalloc

import pytest

from proxy.tls.certificate_index import CertificateIndex, best_of_each_key_type
from rondpoint.tls.model import Certificate

NAMES = {
    "long": ("a.test", "www.a.test"),
    "wild": ("*.a.test",),
    "short": ("a.test",),
    "other": ("b.test", "b.test", "192.0.2.1"),
    "secure": ("s.test",),
}
CERTIFICATES = {
    name: Certificate(
        name,
        "",
        "",
        names,
        not_after=float(len(name)),
        entry_points=("secure",) if name == "secure" else (),
    )
    for name, names in NAMES.items()
}
INDEX = CertificateIndex(CERTIFICATES.values())


@pytest.mark.parametrize(
    ("name", "entry_point", "found"),
    [
        ("a.test", "web", ["short", "long"]),
        ("www.a.test", "web", ["long"]),
        ("*.a.test", "web", ["wild"]),
        ("x.a.test", "web", []),
        ("b.test", "web", ["other"]),
        ("192.0.2.1", "web", ["other"]),
        ("s.test", "web", []),
        ("s.test", "secure", ["secure"]),
        ("", "web", []),
    ],
)
def test_the_certificates_of_a_name_are_found_the_last_to_end_first(
    name: str, entry_point: str, found: list[str]
) -> None:
    assert [each.name for each in INDEX.find(name, entry_point)] == found


def test_default_certificates_are_for_their_entry_points() -> None:
    index = CertificateIndex(
        [
            Certificate("a", "", "", default=True),
            Certificate("b", "", "", entry_points=("web",), default=True),
        ]
    )
    assert [each.name for each in index.defaults("web")] == ["a", "b"]
    assert [each.name for each in index.defaults("other")] == ["a"]
    index.remove("a")
    assert index.defaults("other") == ()


def test_an_index_that_changes_is_like_a_new_one() -> None:
    source = random.Random(7)
    index = CertificateIndex()
    kept: dict[str, Certificate] = {}
    for _ in range(400):
        name = f"c{source.randrange(6)}"
        if source.random() < 0.3:
            index.remove(name)
            kept.pop(name, None)
        else:
            hosts = tuple(f"h{source.randrange(4)}.test" for _ in range(source.randrange(4)))
            certificate = Certificate(
                name, "", "", hosts, not_after=source.random(), default=source.random() < 0.3
            )
            index.put(certificate)
            kept[name] = certificate
        new = CertificateIndex(kept.values())
        assert [index.find(f"h{number}.test", "web") for number in range(4)] == [
            new.find(f"h{number}.test", "web") for number in range(4)
        ]
        assert index.defaults("web") == new.defaults("web")
    assert len(index) == len(kept)


def test_a_removed_certificate_leaves_nothing() -> None:
    index = CertificateIndex()
    for number in range(3):
        index.put(Certificate(str(number), "", "", ("a.test", "b.test")))
    for number in range(3):
        index.remove(str(number))
    assert index.find("a.test", "web") == ()
    assert len(index) == 0


def kinds(*certificates: Certificate) -> list[str]:
    return [each.name for each in best_of_each_key_type(certificates)]


def test_the_first_certificate_of_each_key_type_is_the_best() -> None:
    def certificate(name: str, key_type: str, not_before: float = 0.0) -> Certificate:
        return Certificate(name, "", "", not_before=not_before, key_type=key_type)

    small, large = certificate("rsa1", "RSA2048"), certificate("rsa2", "RSA4096")
    curve, edwards = certificate("ec", "EC256"), certificate("ed", "Ed25519")
    later = certificate("later", "EC384", not_before=9e9)
    assert kinds() == []
    assert kinds(later) == ["later"]
    assert kinds(small, curve, large, edwards) == ["rsa1", "ec", "ed"]
    assert kinds(later, curve, small) == ["ec", "rsa1"]
    assert kinds(certificate("x", ""), certificate("y", ""), small) == ["x", "y", "rsa1"]


def test_a_name_costs_little_memory() -> None:
    certificates = [
        Certificate(str(number), "", "", (f"h{number}.test", f"www.h{number}.test"))
        for number in range(10_000)
    ]
    tracemalloc.start()
    try:
        index = CertificateIndex(certificates)
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(index) == 10_000
    assert used / 10_000 < 300, "bytes for each certificate"
