"""What passTLSClientCert says of certificates in Traefik 1's form; the system tests compare Traefik 3's."""

from typing import Any
from urllib.parse import unquote_plus

import pytest
from cryptography import x509

from proxy.client_certificates.certificates import ClientCertificates, pem_value
from proxy.client_certificates.info_value import info_value
from proxy.client_certificates.wanted_info import WantedInfo, read_wanted
from rondpoint.middlewares.canonical import add_defaults
from tests.proxy.client_certificates.samples import SAMPLES, Sample, certificate

NAMES = ("country", "province", "locality", "organization", "commonName", "serialNumber", "domainComponent")
ALL = {
    **dict.fromkeys(("notAfter", "notBefore", "sans"), True),
    "subject": dict.fromkeys(NAMES, True),
    "issuer": dict.fromkeys(NAMES, True),
}


def wanted(info: dict[str, Any], *, traefik_1: bool = True) -> WantedInfo:
    options = add_defaults("passTLSClientCert", {"info": info})
    return read_wanted(options["info"], traefik_1=traefik_1)


def client(*names: str) -> ClientCertificates:
    return ClientCertificates(tuple(der for name in names for der in SAMPLES[name].der))


CHAIN_IN_TRAEFIK_1 = (
    'Subject="CN=leaf",Issuer="C=FR,O=Lab,CN=Between",NB=1577934245,NA=2493072000,SAN=leaf.test;'
    'Subject="C=FR,O=Lab,CN=Between",Issuer="O=Lab,CN=Lab CA",NB=1577934245,NA=2493072000,SAN='
)


@pytest.mark.parametrize(
    ("name", "info", "text"),
    [
        ("a chain of two", ALL, CHAIN_IN_TRAEFIK_1),
        ("a chain of two", {"sans": True}, "SAN=leaf.test;SAN="),
        ("a chain of two", {}, ";"),
        ("no subject", {"subject": dict.fromkeys(NAMES, True)}, ""),
        ("a validity in the past", {"notBefore": True}, f"NB={2**64 - 473385600}"),
    ],
)
def test_the_form_of_traefik_1(name: str, info: dict[str, Any], text: str) -> None:
    value = info_value(client(name), wanted(info)).decode()
    assert unquote_plus(value) == text
    assert value.isascii()
    assert not set(value) & set(' ",;=')


def test_certificates_in_traefik_1_are_escaped() -> None:
    sent = client("a chain of two")
    plain, escaped = (pem_value(sent, traefik_1=traefik_1) for traefik_1 in (False, True))
    assert unquote_plus(escaped.decode()) == plain.decode()
    assert b"/" in plain
    assert not set(escaped) & set(b"+/=")


def test_every_kind_of_alternative_name_has_its_place() -> None:
    value = info_value(client("everything"), wanted({"sans": True}, traefik_1=False)).decode()
    assert unquote_plus(value) == (
        'SAN="b.test,*.a.test,a@lab.test,192.0.2.7,2001:db8::1,192.0.2.8,'
        'spiffe://lab.test/a?b=c#d,https://user@lab.test:8443/p%20q"'
    )


def test_no_value_ends_a_header_line() -> None:
    value = info_value(client("a line end"), wanted({"subject": {"commonName": True}}, traefik_1=False))
    assert value == b"Subject%3D%22CN%3Da%0D%0AX-Injected%3A+yes%09%00%22"


def test_texts_are_made_once_for_a_connection() -> None:
    calls: list[ClientCertificates] = []

    def make(certificates: ClientCertificates) -> bytes:
        calls.append(certificates)
        return b"text"

    sent = client("a common name")
    assert [sent.text(key, make) for key in ("a", "a", "b")] == [b"text"] * 3
    assert calls == [sent, sent]
    assert sent.parsed is sent.parsed


@pytest.mark.parametrize("der", [b"", b"\x30\x00", SAMPLES["a common name"].der[0][:-1]])
def test_malformed_certificates_are_an_error_and_have_no_subject(der: bytes) -> None:
    malformed = ClientCertificates((der,))
    with pytest.raises(ValueError, match="parsing"):
        info_value(malformed, wanted(ALL))
    assert malformed.subject == ""


def test_malformed_alternative_names_are_an_error() -> None:
    oid = x509.SubjectAlternativeName.oid
    odd = x509.UnrecognizedExtension(oid, b"\x30\x03\x87\x01\x01")
    sent = ClientCertificates(Sample((certificate([("CN", "a")], extension=odd),)).der)
    with pytest.raises(ValueError, match="does not appear to be an IP"):
        info_value(sent, wanted({"sans": True}))
    assert sent.subject == "CN=a"
