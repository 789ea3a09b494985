"""The view of a certificate, as in Traefik's API."""

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import json

from proxy.admin.certificates.known_certificate import KnownCertificate
from proxy.admin.certificates.status import StatusReport
from proxy.admin.certificates.users import users_by_certificate
from proxy.admin.certificates.view import certificate_view
from proxy.admin.certificates.x509_reader import read_x509
from rondpoint.model import Router
from rondpoint.rules import v3
from rondpoint.store.acme import AcmeState
from rondpoint.tls.model import Certificate, TlsDomain

KEYS = [
    ("ec -pkeyopt ec_paramgen_curve:secp384r1", ("ECDSA", 384, "ECDSA-SHA256")),
    ("rsa:2048", ("RSA", 2048, "SHA256-RSA")),
    ("rsa:2048 -sigopt rsa_padding_mode:pss -sha384", ("RSA", 2048, "SHA384-RSAPSS")),
    ("ed25519", ("Ed25519", 0, "Ed25519")),
]
SUBJECT = "/C=FR/O=First/O=Second/CN=one.test/CN=two.test"


@pytest.mark.parametrize(("key", "expected"), KEYS)
def test_the_fields_are_those_of_the_certificate(
    tmp_path: Path, key: str, expected: tuple[str, int, str]
) -> None:
    path = tmp_path / "own.pem"
    command = f"openssl req -x509 -nodes -newkey {key} -days 2 -subj {SUBJECT} -set_serial 258".split()
    command += ["-addext", "subjectAltName=DNS:b.test,IP:10.0.0.1,DNS:a.test", "-out", str(path)]
    subprocess.run([*command, "-keyout", str(tmp_path / "key")], check=True, capture_output=True)
    text = path.read_text()
    certificate = Certificate("1@file", text, "SECRET", ("b.test",), source="f.pem", default=True)
    encoded = subprocess.run(
        ["openssl", "x509", "-in", str(path), "-outform", "DER"], check=True, capture_output=True
    ).stdout
    view = certificate_view(
        KnownCertificate("1@file", ("b.test",), certificate), StatusReport("enabled"), ("r@file",), read_x509
    )
    assert (view.key_type, view.key_size, view.signature_algorithm) == expected
    assert b"SECRET" not in json.encode(view)
    shown = json.decode(json.encode(view))
    for name, value in {
        "name": sha256(encoded).hexdigest(),
        "id": "1@file",
        "provider": "file",
        "status": "enabled",
        "sans": ["10.0.0.1", "a.test", "b.test"],
        "commonName": "two.test",
        "organization": "First",
        "country": "FR",
        "issuerOrg": "First",
        "issuerCN": "two.test",
        "issuerCountry": "FR",
        "serialNumber": "258",
        "version": "v3",
        "source": "f.pem",
        "default": True,
        "usedBy": ["r@file"],
        "usedByCount": 1,
    }.items():
        assert shown[name] == value, name
    assert len(view.public_key_fingerprint) == 64
    assert shown["notBefore"][10:11] + shown["notBefore"][-1] == "TZ"


def test_a_certificate_that_cannot_be_read_shows_what_is_known() -> None:
    certificate = Certificate(
        "1@file", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "", ("b", "a"), 1.0, 2.0
    )
    view = certificate_view(
        KnownCertificate("1@file", ("b", "a"), certificate), StatusReport("expired"), (), read_x509
    )
    assert (view.sans, view.not_before) == (("a", "b"), "1970-01-01T00:00:01Z")


def test_names_without_a_certificate_have_their_id_as_name() -> None:
    state = AcmeState("le", TlsDomain("a.test"), failures=1, failed_at=1.0, next_attempt=61.0, error="no")
    view = certificate_view(
        KnownCertificate("le/1", ("a.test",), state=state), StatusReport("failed", ("no",)), (), read_x509
    )
    shown = json.decode(json.encode(view))
    assert (shown["name"], shown["sans"], shown["resolver"]) == ("le/1", ["a.test"], "le")
    assert shown["renewal"] == {
        "failures": 1,
        "failedAt": "1970-01-01T00:00:01Z",
        "nextAttempt": "1970-01-01T00:01:01Z",
        "error": "no",
    }


def test_the_users_are_the_routers_whose_hosts_get_the_certificate() -> None:
    certificates = {"a.test": Certificate("a", "", ""), "b.test": Certificate("b", "", "")}
    routers = [
        Router("both", v3.parse("Host(`a.test`) || Host(`b.test`)"), "s", 1),
        Router("a", v3.parse("Host(`a.test`) && Path(`/`)"), "s", 1),
        Router("plain", v3.parse("Host(`a.test`)"), "s", 1),
        Router("none", v3.parse("PathPrefix(`/`)"), "s", 1),
    ]
    found = users_by_certificate(
        routers,
        lambda router: () if router.name == "plain" else ("web", "other"),
        lambda point, host: (certificates[host],) if point == "web" else (),
    )
    assert found == {"a": ("a", "both"), "b": ("both",)}
