"""Tests of the certificate that responds to a TLS-ALPN-01 challenge, by the words of RFC 8737 §3."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from discovery.acme.challenges.challenge import TLS_ALPN_01, Challenge
from discovery.acme.challenges.tls_alpn_certificate import response_certificate


@pytest.mark.parametrize(
    ("name", "alternative", "server_name"),
    [
        ("a.test", x509.DNSName("a.test"), "a.test"),
        ("192.0.2.7", None, "7.2.0.192.in-addr.arpa"),
    ],
)
def test_it_names_the_host_and_holds_the_digest_in_a_critical_extension(
    name: str, alternative: x509.GeneralName | None, server_name: str
) -> None:
    challenge = Challenge(TLS_ALPN_01, name, "token", "token.thumbprint")
    text = response_certificate(challenge)
    certificate = x509.load_pem_x509_certificate(text.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert len(names) == 1
    if alternative is not None:
        assert list(names) == [alternative]
    else:
        assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == [name]
    extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
    assert extension.critical
    assert extension.value.public_bytes() == b"\x04\x20" + hashlib.sha256(b"token.thumbprint").digest()
    key = load_pem_private_key(text.encode(), None).public_key()
    encoding = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key.public_bytes(*encoding) == certificate.public_key().public_bytes(*encoding)
    assert challenge.server_name == server_name


def test_a_challenge_in_a_log_does_not_show_its_response() -> None:
    challenge = Challenge(TLS_ALPN_01, "a.test", "token", "token.thumbprint")
    assert repr(challenge) == "Challenge(tls-alpn-01 for a.test)"


def test_the_text_of_a_dns_record_is_the_digest_in_base64url() -> None:
    assert (
        Challenge(TLS_ALPN_01, "a.test", "token", "token.thumbprint").text
        == "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I"
    )
