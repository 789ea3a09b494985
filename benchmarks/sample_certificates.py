"""Makes many certificates of one authority, as long as those that public authorities issue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rondpoint.tls.model import Certificate

_PEM = serialization.Encoding.PEM
_VALIDITY = timedelta(days=90)
_FILLER = x509.ObjectIdentifier("2.25.1")
_FILLER_BYTES = 250
"""As many as the proofs of certificate transparency have, the longest part of public certificates."""


class Pair(NamedTuple):
    """A certificate for `host` with that of its issuer, and its key; both in PEM."""

    host: str
    chain: str
    key: str
    fingerprint: str


def make_pairs(count: int) -> list[Pair]:
    """Return `count` pairs, for `h0.test` and so on, with the same issuer."""
    issuer_key = ec.generate_private_key(ec.SECP256R1())
    issuer_name = _name("Benchmark CA")
    issuer = _builder(issuer_name, issuer_name, issuer_key.public_key())
    issuer_pem = issuer.sign(issuer_key, hashes.SHA256()).public_bytes(_PEM).decode()
    pairs = []
    for number in range(count):
        host = f"h{number}.test"
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = (
            _builder(_name(host), issuer_name, key.public_key())
            .add_extension(names, critical=False)
            .sign(issuer_key, hashes.SHA256())
        )
        pairs.append(
            Pair(
                host,
                certificate.public_bytes(_PEM).decode() + issuer_pem,
                key.private_bytes(
                    _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                ).decode(),
                certificate.fingerprint(hashes.SHA256()).hex()[:16],
            )
        )
    return pairs


def to_certificates(pairs: Sequence[Pair]) -> dict[str, Certificate]:
    """Return the pairs as an agent publishes them."""
    now = datetime.now(UTC).timestamp()
    return {
        f"{pair.fingerprint}@file": Certificate(
            f"{pair.fingerprint}@file",
            pair.chain,
            pair.key,
            (pair.host,),
            now,
            now + _VALIDITY.total_seconds(),
            pair.host,
            "Benchmark CA",
            "1",
            "EC256",
            f"/etc/certificates/{pair.host}.pem",
        )
        for pair in pairs
    }


def write_pairs(directory: Path, pairs: Sequence[Pair]) -> Path:
    """Write the pairs, and the dynamic file that names them if there is none yet; return its path."""
    directory.mkdir(exist_ok=True)
    for pair in pairs:
        # Renamed into place: clients of the benchmark wait for a whole file.
        for suffix, text in (("key", pair.key), ("pem", pair.chain)):
            new = directory / f"{pair.host}.{suffix}.new"
            new.write_text(text)
            new.replace(directory / f"{pair.host}.{suffix}")
    dynamic = directory.with_suffix(".yml")
    if not dynamic.exists():
        certificates = [
            {
                "certFile": str(directory / f"{pair.host}.pem"),
                "keyFile": str(directory / f"{pair.host}.key"),
            }
            for pair in pairs
        ]
        dynamic.write_text(yaml.dump({"tls": {"certificates": certificates}}, Dumper=yaml.CSafeDumper))
    return dynamic


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALIDITY)
        .add_extension(
            x509.UnrecognizedExtension(_FILLER, bytes([4, 0]) * (_FILLER_BYTES // 2)), critical=False
        )
    )
