"""Generates the default certificate from a secret, so that all who share the secret have the same one.

Workers that need it generate it themselves: the library takes some 12 MB, which others should not pay.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

COMMON_NAME = "RONDPOINT DEFAULT CERT"

_VALIDITY = timedelta(days=3650)
"""Longer than any process runs."""

_CLOCK_DIFFERENCE = timedelta(hours=1)
"""How far a client's clock may be behind."""

_PRIVATE_KEYS = (1 << 256) - (1 << 225)
"""Fewer than the order of the curve P-256, so every number below it may be a private key after adding one."""


def generate_certificate(secret: bytes, start: datetime) -> bytes:
    """Return the key and the certificate for this secret in PEM format; it is valid from `start` on."""
    key = ec.derive_private_key(_number(secret, b"key") % _PRIVATE_KEYS + 1, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    label = f"{_number(secret, b'name'):064x}"
    host = f"{label[:32]}.{label[32:]}.rondpoint.default"
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        # RFC 5280 §4.1.2.2: positive, and of 20 bytes at most.
        .serial_number((_number(secret, b"serial number") >> 97) + 1)
        .not_valid_before(start - _CLOCK_DIFFERENCE)
        .not_valid_after(start + _VALIDITY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    pem = serialization.Encoding.PEM
    written = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return written + certificate.public_bytes(pem)


def _number(secret: bytes, purpose: bytes) -> int:
    """Return a number of 256 bits that nobody without the secret can guess."""
    return int.from_bytes(hmac.digest(secret, b"default certificate: " + purpose, "sha256"))
