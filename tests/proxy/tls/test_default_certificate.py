"""The default certificate, for clients for which there is no other."""

from __future__ import annotations

import ssl
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.tls.certificate_generation import COMMON_NAME, generate_certificate
from proxy.tls.default_certificate import default_certificate, load_default_certificate
from proxy.tls.server_context import create_context
from rondpoint.tls.model import TlsOptions
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


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_of_each_version_get_it(version: ssl.TLSVersion) -> None:
    context = create_context(TlsOptions("default"))
    load_default_certificate(context)
    found = connect(client_context(version), context).getpeercert(binary_form=True)
    assert found is not None
    text = default_certificate().decode()
    assert ssl.DER_cert_to_PEM_cert(found) == text[text.index("-----BEGIN CERT") :]


def test_who_shares_the_secret_has_the_same_one() -> None:
    assert generate_certificate(b"secret", START) == generate_certificate(b"secret", START)


def test_proxies_that_need_none_do_not_load_the_library() -> None:
    code = "import proxy.process.master, proxy.runtime, sys; print('cryptography.x509' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
