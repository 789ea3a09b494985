"""Makes certificates, keys and documents for the tests of this folder."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

CA = "https://ca.test/dir"
ACCOUNT_URL = "https://ca.test/acct/1"


@cache
def account_key() -> tuple[str, str]:
    """Return the private key of an account as PEM, and as Traefik writes it."""
    key = rsa.generate_private_key(65537, 2048)
    form = PrivateFormat.TraditionalOpenSSL, NoEncryption()
    pem = key.private_bytes(Encoding.PEM, *form).decode()
    return pem, base64.b64encode(key.private_bytes(Encoding.DER, *form)).decode()


def pair(*names: str, days: float = 60.0) -> tuple[str, str]:
    """Return a self-signed certificate and its private key as PEM; always the same for the same arguments."""
    return _pair(names, days)


@cache
def _pair(names: tuple[str, ...], days: float) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = PrivateFormat.TraditionalOpenSSL, NoEncryption()
    return certificate.public_bytes(Encoding.PEM).decode(), key.private_bytes(Encoding.PEM, *form).decode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def account_of_traefik(url: str = ACCOUNT_URL) -> dict[str, Any]:
    """Return an account as Traefik 2 and 3 write it."""
    body = {"status": "valid", "contact": ["mailto:a@b.test"], "orders": f"{url}/orders"}
    return {
        "Email": "a@b.test",
        "Registration": {"body": body, "uri": url},
        "PrivateKey": account_key()[1],
        "KeyType": "4096",
    }


def of_traefik_3(
    resolvers: dict[str, list[tuple[str, ...]]], *, url: str = ACCOUNT_URL, days: float = 60.0
) -> str:
    """Return a document of Traefik 3 with certificates for these names, by resolver.

    `days` are left of their life of 90 days more.
    """
    content = {
        resolver: {
            "Account": account_of_traefik(url),
            "Certificates": [_v3(*names, days=days) for names in hosts] or None,
        }
        for resolver, hosts in resolvers.items()
    }
    return json.dumps(content, indent=2)


def _v3(*names: str, days: float) -> dict[str, Any]:
    chain, key = pair(*names, days=days)
    domain = {"main": names[0]} | ({"sans": list(names[1:])} if names[1:] else {})
    return {"domain": domain, "certificate": encoded(chain), "key": encoded(key), "Store": "default"}


def of_traefik_1(hosts: list[tuple[str, ...]], *, url: str = ACCOUNT_URL) -> str:
    """Return a document of Traefik 1 with certificates for these names."""
    certificates = [
        {
            "Domain": {"Main": names[0], "SANs": list(names[1:]) or None},
            "Certificate": encoded(pair(*names)[0]),
            "Key": encoded(pair(*names)[1]),
        }
        for names in hosts
    ]
    content = {
        "Account": account_of_traefik(url),
        "Certificates": certificates,
        "HTTPChallenges": {},
        "TLSChallenges": {},
    }
    return json.dumps(content, indent=2)
