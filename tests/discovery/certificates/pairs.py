"""Makes certificates and keys in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PEM = serialization.Encoding.PEM


class MadePair(NamedTuple):
    """PEM texts of a certificate and its key."""

    certificate: str
    key: str


@cache
def private_key(kind: str = "ec", number: int = 0) -> Key:
    """Return a key of this kind; another one for each `number`."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return (
        ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    )


def key_text(key: Key, form: str = "PKCS8", password: bytes = b"") -> str:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(PEM, getattr(serialization.PrivateFormat, form), encryption).decode()


def make_pair(
    *names: str,
    key: Key | None = None,
    subject: str = "subject",
    issuer: Sequence[tuple[str, str]] = (("ORGANIZATION_NAME", "Lab"), ("COMMON_NAME", "Lab CA")),
    days: tuple[float, float] = (-1, 1),
    serial: int = 4711,
) -> MadePair:
    """Make a certificate for DNS names and addresses; `days` are its first and last, counted from now."""
    key = private_key() if key is None else key
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else []))
        .issuer_name(x509.Name([x509.NameAttribute(getattr(NameOID, kind), text) for kind, text in issuer]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now + timedelta(days[0]))
        .not_valid_after(now + timedelta(days[1]))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_name, names))), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return MadePair(builder.sign(key, algorithm).public_bytes(PEM).decode(), key_text(key))


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
