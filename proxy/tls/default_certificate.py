"""The default certificate: self-signed, for entry points with TLS and without certificates of their own.

No client trusts it. Its name is random, so that no client can mistake it for the certificate of a host.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    import ssl

COMMON_NAME = "RONDPOINT DEFAULT CERT"

_VALIDITY = timedelta(days=3650)
"""Longer than any process runs."""

_CLOCK_DIFFERENCE = timedelta(hours=1)
"""How far a client's clock may be behind."""


def generate_certificate() -> bytes:
    """Return a new key and its certificate in PEM format."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    host = f"{token_hex(16)}.{token_hex(16)}.rondpoint.default"
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_DIFFERENCE)
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    written = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return written + certificate.public_bytes(pem)


DEFAULT_CERTIFICATE = generate_certificate()
"""Workers inherit it from the master, which imports this module before it forks them."""


def load_default_certificate(context: ssl.SSLContext) -> None:
    """Make `context` present the default certificate."""
    # The module ssl reads keys from files only; this one never lies on a disk.
    file = os.memfd_create("default certificate")
    try:
        os.write(file, DEFAULT_CERTIFICATE)
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
