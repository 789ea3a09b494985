"""Private keys of certificates and accounts, and certificate signing requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from discovery.acme.general_names import general_name

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ACCOUNT_KEY_TYPE = "RSA2048"
"""Traefik reads only RSA keys of accounts, and may get this one back in its file."""
MAX_COMMON_NAME = 64


def _rsa(bits: int) -> Callable[[], PrivateKey]:
    return lambda: rsa.generate_private_key(65537, bits)


KEY_TYPES: Mapping[str, Callable[[], PrivateKey]] = {
    "EC256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA2048": _rsa(2048),
    "RSA4096": _rsa(4096),
    "RSA8192": _rsa(8192),
}


def generate_key(key_type: str) -> str:
    """Return a new private key as PEM, in PKCS #1 or SEC 1, as Traefik writes them."""
    key = KEY_TYPES[key_type]()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def load_key(pem: str) -> PrivateKey:
    """Return the private key in this text. Raises ValueError, without the text."""
    try:
        # The check that is skipped takes 0.3 s of CPU for RSA4096. The keys come from `generate_key`, or from
        # files that only the operator writes.
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as error:
        raise ValueError(f"the private key cannot be read: {type(error).__name__}") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the private key is neither of RSA nor of an elliptic curve")  # noqa: TRY004
    return key


def signing_request(
    key: PrivateKey, names: Sequence[str], emails: Sequence[str], *, common_name: bool
) -> x509.CertificateSigningRequest:
    """Return a signed request for these names; the first is the common name if it fits and is wanted."""
    attributes = []
    if common_name and len(names[0]) <= MAX_COMMON_NAME:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, names[0]))
    alternatives: list[x509.GeneralName] = [general_name(name) for name in names]
    alternatives += [x509.RFC822Name(email) for email in emails]
    builder = x509.CertificateSigningRequestBuilder(x509.Name(attributes)).add_extension(
        x509.SubjectAlternativeName(alternatives), critical=False
    )
    return builder.sign(key, hashes.SHA256())
