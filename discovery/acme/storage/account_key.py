"""The private key of an account: Traefik's DER (PKCS #1), and PEM in the store."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)


class AccountKeyError(ValueError):
    """The bytes are no private key; the message does not repeat them."""


def account_key_as_pem(der: bytes) -> str:
    """Return a private key in DER as PEM. Raises AccountKeyError."""
    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError) as error:
        raise AccountKeyError(f"not a private key in DER ({type(error).__name__})") from None
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def account_key_as_der(pem: str) -> bytes:
    """Return a private key in PEM as DER, in PKCS #1 for RSA. Raises AccountKeyError."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise AccountKeyError(f"not a private key in PEM ({type(error).__name__})") from None
    return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
