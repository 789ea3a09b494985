"""Certificates as the configuration has them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from rondpoint.tls.model import Certificate
from tests.lab.certificate import write_certificate


@cache
def pem(*names: str, key: str = "ec") -> str:
    """Return a key and a self-signed certificate for these DNS names."""
    with TemporaryDirectory() as directory:
        path = write_certificate(Path(directory) / "own.pem", *(f"DNS:{name}" for name in names), key=key)
        return path.read_text()


def make_certificate(name: str, *hosts: str, key: str = "ec", **fields: object) -> Certificate:
    """Return a certificate of this name for these hosts; `key` is `ec` or `rsa`."""
    text = pem(*hosts, key=key)
    start = text.index("-----BEGIN CERTIFICATE")
    kind = {"ec": "EC256", "rsa": "RSA2048"}[key]
    values = {"names": hosts, "key_type": kind, "not_after": 2e9, **fields}
    return Certificate(name, text[start:], text[:start], **values)  # type: ignore[arg-type]
