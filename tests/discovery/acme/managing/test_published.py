"""Tests of the certificates and diagnostics that the publication loop gets."""

import pytest

from discovery.acme.challenges.challenge import TLS_ALPN_01, Challenge
from discovery.acme.challenges.tls_alpn_certificate import response_certificate
from discovery.acme.managing.published import ReadCertificates, default_certificate, failure_diagnostic
from discovery.acme.planning.plan import HeldCertificate
from rondpoint.diagnostics import Severity
from rondpoint.store.acme import AcmeCertificate, AcmeState
from rondpoint.store.sealing import Sealer
from rondpoint.tls.model import Certificate, CertificateRequest, TlsDomain

DOMAIN = TlsDomain("a.test")
SEALER = Sealer(b"0123456789abcdef0123456789abcdef")
NOW = 1000.0


def stored(name: str = "a.test") -> AcmeCertificate:
    text = response_certificate(Challenge(TLS_ALPN_01, name, "", ""))
    key, separator, chain = text.partition("-----BEGIN CERTIFICATE")
    return AcmeCertificate("le", DOMAIN, separator + chain, key)


def test_private_keys_are_sealed_and_unchanged_certificates_stay_the_same_objects() -> None:
    reader, certificate = ReadCertificates(SEALER), stored()
    held, published, diagnostics = reader.read({"id": certificate})
    (one,) = published.values()
    assert one.key.startswith("sealed:v1:")
    assert SEALER.open(one.key).strip() == certificate.key.strip()
    assert (one.names, one.resolver, one.source) == (("a.test",), "le", "acme le")
    assert (held["id"].names, held["id"].not_after, diagnostics) == (("a.test",), one.not_after, ())
    _, again, _ = reader.read({"id": certificate, "other": stored("b.test")})
    assert again[one.name] is one


def test_a_damaged_certificate_is_left_out_and_reported() -> None:
    certificate = stored()
    wrong = AcmeCertificate("le", DOMAIN, certificate.chain, stored().key)
    held, published, (diagnostic,) = ReadCertificates(SEALER).read({"id": wrong})
    assert (held, published) == ({}, {})
    assert diagnostic.subject == "certificate a.test"


@pytest.mark.parametrize(
    ("holder", "severity", "text"),
    [
        (None, Severity.ERROR, "another certificate"),
        (HeldCertificate("id", "le", ("a.test",), 0, NOW - 1), Severity.ERROR, "another certificate"),
        (HeldCertificate("id", "le", ("a.test",), 0, NOW + 1), Severity.WARNING, "stays in use"),
    ],
)
def test_a_failure_says_what_is_served_meanwhile(
    holder: HeldCertificate | None, severity: Severity, text: str
) -> None:
    state = AcmeState("le", DOMAIN, error="it failed", hint="mend it")
    found = failure_diagnostic(state, "router a@file", holder, NOW)
    assert (found.severity, found.message, found.about) == (severity, "it failed", "router a@file")
    assert found.hint.startswith("mend it; ")
    assert text in found.hint


def test_the_default_certificate_is_the_one_that_covers_its_names_longest() -> None:
    certificates = [
        Certificate("1@acme", "", "", ("a.test",), not_after=1),
        Certificate("2@acme", "", "", ("*.test", "q.test"), not_after=2),
        Certificate("3@acme", "", "", ("b.test",), not_after=3),
    ]
    request = CertificateRequest("le", TlsDomain("A.test"))
    ((name, found),) = default_certificate(request, certificates).items()
    assert (name, found.name, found.default, found.names) == (
        "2-default@acme",
        name,
        True,
        ("*.test", "q.test"),
    )
    assert default_certificate(CertificateRequest("le", TlsDomain("c.other")), certificates) == {}
