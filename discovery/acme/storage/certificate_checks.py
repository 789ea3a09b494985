"""Checks a certificate in a file against its private key."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


def valid_until(chain: str, key: str) -> float | None:
    """Return when the first certificate expires, in Unix seconds; None if it does not fit the key."""
    try:
        leaf = x509.load_pem_x509_certificate(chain.encode())
        private_key = load_pem_private_key(key.encode(), None, unsafe_skip_rsa_key_validation=True)
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        fits = leaf.public_key().public_bytes(*form) == private_key.public_key().public_bytes(*form)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return leaf.not_valid_after_utc.timestamp() if fits else None
