"""The default certificate, for entry points without certificates of their own."""

from __future__ import annotations

import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.tls.certificate_generation import COMMON_NAME, generate_certificate
from proxy.tls.default_certificate import default_certificate
from proxy.tls.server_contexts import ServerContexts
from rondpoint.settings.tree.entry_points import Tls
from tests.lab.certificate import write_certificate
from tests.proxy.tls.handshakes import client_context, connect

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_each_one_has_a_name_and_a_key_of_its_own() -> None:
    found = [
        x509.load_pem_x509_certificate(generate_certificate(secret, START)) for secret in (b"one", b"other")
    ]
    names = set()
    for certificate in found:
        assert certificate.subject.rfc4514_string() == f"CN={COMMON_NAME}"
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        (name,) = extension.value.get_values_for_type(x509.DNSName)
        assert name.endswith(".rondpoint.default")
        names |= {name, key.public_numbers().x, certificate.serial_number}
    assert len(names) == 6


def test_an_entry_point_without_certificates_presents_it() -> None:
    contexts = ServerContexts(Tls())
    assert contexts.contents == ()
    assert contexts.only is not None
    assert list(contexts.all()) == [contexts.only]
    assert presented(contexts.only) == default()


def test_one_with_certificates_does_not(tmp_path: Path) -> None:
    path = write_certificate(tmp_path / "own.pem")
    contexts = ServerContexts(Tls.model_validate({"certificates": f"{path},{path}"}))
    assert contexts.only is not None
    assert presented(contexts.only) == path.read_text()[path.read_text().index("-----BEGIN CERT") :]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_of_each_version_get_it(version: ssl.TLSVersion) -> None:
    only = ServerContexts(Tls()).only
    assert only is not None
    assert presented(only, version) == default()


def test_who_shares_the_secret_has_the_same_one() -> None:
    assert generate_certificate(b"secret", START) == generate_certificate(b"secret", START)


def test_proxies_that_need_none_do_not_load_the_library() -> None:
    code = "import proxy.process.master, proxy.runtime, sys; print('cryptography.x509' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def default() -> str:
    text = default_certificate().decode()
    return text[text.index("-----BEGIN CERT") :]


def presented(server: ssl.SSLContext, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> str:
    """Return the certificate that a client gets, in PEM format."""
    found = connect(client_context(version), server).getpeercert(binary_form=True)
    assert found is not None
    return ssl.DER_cert_to_PEM_cert(found)
