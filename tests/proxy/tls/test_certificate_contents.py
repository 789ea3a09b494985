"""The contents of certificates, compared with OpenSSL's output."""

import logging
import ssl
import subprocess
from pathlib import Path

import pytest

from proxy.tls.certificate_contents import read_certificates
from rondpoint.settings.values import CertificatePair

KINDS = {
    "rsa": ("rsa:2048",),
    "ec": ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    "ed25519": ("ed25519",),
}


def make(path: Path, kind: str, subject: str, *extensions: str, days: int = 3) -> CertificatePair:
    command = ["openssl", "req", "-nodes", "-newkey", *KINDS[kind], "-subj", subject]
    for extension in extensions:
        command += ["-addext", extension]
    key, request, certificate = path / "key.pem", path / "request.pem", path / "certificate.pem"
    subprocess.run([*command, "-keyout", str(key), "-out", str(request)], check=True, capture_output=True)
    sign = ["openssl", "x509", "-req", "-in", str(request), "-signkey", str(key), "-copy_extensions", "copy"]
    subprocess.run([*sign, "-days", str(days), "-out", str(certificate)], check=True, capture_output=True)
    return CertificatePair(cert_file=certificate, key_file=key)


def openssl_output(pair: CertificatePair, option: str) -> str:
    command = ["openssl", "x509", "-noout", option, "-in", str(pair.cert_file)]
    return (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().partition("=")[2]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("days", [3, -1])
def test_a_certificate_with_any_key_is_read_even_if_it_has_expired(
    tmp_path: Path, kind: str, days: int
) -> None:
    alternative = "subjectAltName=DNS:www.A.test,DNS:a.test,IP:192.0.2.1"
    pair = make(tmp_path, kind, "/O=some/CN=a.test", alternative, days=days)
    ((_, found, names, not_before, issuer),) = read_certificates([pair])
    assert not_before == ssl.cert_time_to_seconds(openssl_output(pair, "-startdate"))
    assert issuer == "some, a.test"
    assert names == ("www.a.test", "a.test", "192.0.2.1")
    assert (found.common_name, found.sans) == ("a.test", "a.test,www.A.test")
    assert int(found.serial) == int(openssl_output(pair, "-serial"), 16)
    assert found.not_after == ssl.cert_time_to_seconds(openssl_output(pair, "-enddate"))


@pytest.mark.parametrize(("subject", "name"), [("/O=some", ()), ("/CN=old.test", ("old.test",))])
def test_a_certificate_without_alternative_names(tmp_path: Path, subject: str, name: tuple[str, ...]) -> None:
    ((_, found, names, _, _),) = read_certificates([make(tmp_path, "ec", subject)])
    assert (found.common_name, found.sans) == ("".join(name), "")
    assert names == name


def test_a_certificate_for_clients_only_is_logged_and_the_others_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other").mkdir()
    useless = make(tmp_path, "ec", "/CN=client", "extendedKeyUsage=clientAuth")
    with caplog.at_level(logging.WARNING):
        (found,) = read_certificates([useless, make(tmp_path / "other", "ec", "/CN=server")])
    assert found.status.common_name == "server"
    assert str(useless.cert_file) in caplog.text
