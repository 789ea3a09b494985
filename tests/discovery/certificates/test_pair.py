"""Checks of a certificate and its key."""

import re
import time

import pytest

from discovery.certificates.errors import ContentsError
from discovery.certificates.pair import check_authorities, check_pair
from tests.discovery.certificates.pairs import key_text, make_pair, private_key

OTHER = private_key("ec", 1)
CHAIN = make_pair("a.test")
ISSUER = make_pair("issuer", key=OTHER)
SECRET = "c2VjcmV0"


def test_the_fields_of_a_certificate() -> None:
    made = make_pair("A.test", "*.b.test", "10.0.0.1", "2001:DB8::1", subject="main", days=(-1, 2))
    found = check_pair(made.certificate, made.key)
    assert found.names == ("a.test", "*.b.test", "10.0.0.1", "2001:db8::1")
    assert (found.subject, found.issuer, found.serial) == ("main", "Lab, Lab CA", "4711")
    assert found.not_before == pytest.approx(time.time() - 86400, abs=60)
    assert found.not_after == pytest.approx(time.time() + 2 * 86400, abs=60)
    assert re.fullmatch(r"[0-9a-f]{16}", found.fingerprint)
    assert (found.chain, found.key) == (made.certificate, made.key)


NAMES: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "alternative names alone": (("a.test",), "main.test", ("a.test",)),
    "a common name without alternatives": ((), "Main.test", ("main.test",)),
    "no name": ((), "", ()),
    "a name twice": (("a.test", "A.test"), "", ("a.test",)),
}


@pytest.mark.parametrize("case", NAMES)
def test_names(case: str) -> None:
    alternative, subject, expected = NAMES[case]
    made = make_pair(*alternative, subject=subject)
    assert check_pair(*made).names == expected


ISSUERS = {
    "Lab, CA 1": [("ORGANIZATION_NAME", "Lab"), ("COMMON_NAME", "CA 1")],
    "CA 1": [("COMMON_NAME", "CA 1")],
    "C=FR": [("COUNTRY_NAME", "FR")],
}


@pytest.mark.parametrize("expected", ISSUERS)
def test_issuers(expected: str) -> None:
    assert check_pair(*make_pair("a.test", issuer=ISSUERS[expected])).issuer == expected


@pytest.mark.parametrize(("kind", "expected"), [("ec", "EC256"), ("rsa", "RSA2048"), ("ed25519", "Ed25519")])
def test_key_types(kind: str, expected: str) -> None:
    key = private_key(kind)
    made = make_pair("a.test", key=key)
    assert check_pair(*made).key_type == expected
    if kind != "ed25519":
        assert check_pair(made.certificate, key_text(key, "TraditionalOpenSSL")).key_type == expected


EC_PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
FORMS = {
    "issuers after it": (CHAIN.certificate + ISSUER.certificate, CHAIN.key, 2),
    "both in one file": (CHAIN.key + CHAIN.certificate, CHAIN.key + CHAIN.certificate, 1),
    "comments around": (f"Bag Attributes\n{CHAIN.certificate}\nend", f"# mine\n{CHAIN.key}", 1),
    "parameters before the key": (CHAIN.certificate, EC_PARAMETERS + CHAIN.key, 1),
    "indented": (*tuple("\n".join(f"    {line}" for line in text.splitlines()) for text in CHAIN), 1),
    "Windows' line ends": (*tuple(text.replace("\n", "\r\n") for text in CHAIN), 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_texts_in_other_forms(form: str) -> None:
    certificate, key, certificates = FORMS[form]
    found = check_pair(str(certificate), str(key))
    assert found.chain.count("BEGIN CERTIFICATE") == certificates
    assert found.chain.startswith(CHAIN.certificate)
    assert found.key == CHAIN.key
    assert "PRIVATE" not in found.chain


REFUSED = {
    "another key": (CHAIN.certificate, ISSUER.key, "keyFile", "is not the key of the certificate"),
    "issuer first": (
        ISSUER.certificate + CHAIN.certificate,
        CHAIN.key,
        "certFile",
        "does not begin with the certificate of the key",
    ),
    "no certificate": ("nothing", CHAIN.key, "certFile", "contains no certificate in PEM"),
    "half a certificate": (CHAIN.certificate[:300], CHAIN.key, "certFile", "contains no certificate in PEM"),
    "a damaged certificate": (
        CHAIN.certificate.replace("MII", "NII"),
        CHAIN.key,
        "certFile",
        "contains a certificate that cannot be read",
    ),
    "no key": (CHAIN.certificate, "nothing", "keyFile", "contains no private key in PEM"),
    "half a key": (CHAIN.certificate, CHAIN.key[:120], "keyFile", "contains no private key in PEM"),
    "a damaged key": (
        CHAIN.certificate,
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n",
        "keyFile",
        "contains a private key that cannot be read",
    ),
    "an encrypted key": (
        CHAIN.certificate,
        key_text(private_key(), password=b"pw"),
        "keyFile",
        "is encrypted, which is not served",
    ),
    "an encrypted key in the old form": (
        CHAIN.certificate,
        key_text(private_key(), "TraditionalOpenSSL", b"pw"),
        "keyFile",
        "is encrypted, which is not served",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_pairs_that_cannot_be_used(case: str) -> None:
    certificate, key, option, message = REFUSED[case]
    with pytest.raises(ContentsError) as caught:
        check_pair(certificate, key)
    error = caught.value
    assert (error.option, str(error)) == (option, message)
    assert error.hint
    assert SECRET not in f"{error}{error.hint}{error.__cause__}"


def test_authorities_are_certificates_without_anything_else() -> None:
    assert check_authorities(f"x\n{CHAIN.key}{CHAIN.certificate}{ISSUER.certificate}") == (
        CHAIN.certificate + ISSUER.certificate
    )
    with pytest.raises(ContentsError, match="contains no certificate in PEM") as caught:
        check_authorities(CHAIN.key)
    assert caught.value.option == "caFiles"
