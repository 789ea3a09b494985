"""Certificates are loaded from DER as from a file, or not at all."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from proxy.tls.openssl_context import openssl
from tests.proxy.tls.certificates import make_certificate
from tests.proxy.tls.handshakes import client_context, connect

EC = make_certificate("ec", "a.test")
RSA = make_certificate("rsa", "a.test", key="rsa")
OTHER = make_certificate("other", "b.test")
ISSUERS = [make_certificate(f"issuer {number}", f"issuer{number}.test").chain for number in range(2)]


def load(context: ssl.SSLContext, chain: str, key: str, key_type: str) -> bool:
    access = openssl()
    assert access is not None
    return access.load_certificate(context, chain, key, key_type)


def server() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def presented(context: ssl.SSLContext, ciphers: str = "DEFAULT") -> str:
    """Return the certificates that a client gets, in PEM."""
    client = client_context(ssl.TLSVersion.TLSv1_2)
    client.set_ciphers(ciphers)
    side: Any = connect(client, context)
    return "".join(each.public_bytes() for each in side._sslobj.get_unverified_chain())


def rewritten(key: str, form: PrivateFormat, password: bytes = b"") -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return load_pem_private_key(key.encode(), None).private_bytes(Encoding.PEM, form, encryption).decode()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("certificate", [EC, RSA], ids=["ec", "rsa"])
@pytest.mark.parametrize("issuers", [[], ISSUERS[:1], ISSUERS])
def test_the_certificate_comes_with_its_issuers(
    certificate: Any, issuers: list[str], form: PrivateFormat
) -> None:
    context, chain = server(), certificate.chain + "\n".join(issuers)
    assert load(context, chain, rewritten(certificate.key, form), certificate.key_type)
    assert presented(context) == certificate.chain + "".join(issuers)


def test_each_type_of_key_has_its_own_issuers() -> None:
    context = server()
    assert load(context, EC.chain + ISSUERS[0], EC.key, "EC256")
    assert load(context, RSA.chain + ISSUERS[1], RSA.key, "RSA2048")
    assert presented(context, "aECDSA") == EC.chain + ISSUERS[0]
    assert presented(context, "aRSA") == RSA.chain + ISSUERS[1]


def test_the_last_of_one_type_replaces_the_others() -> None:
    context = server()
    assert load(context, OTHER.chain + ISSUERS[0], OTHER.key, "EC256")
    assert load(context, EC.chain, EC.key, "EC256")
    assert presented(context) == EC.chain


@pytest.mark.parametrize(
    ("chain", "key", "key_type"),
    [
        (EC.chain, OTHER.key, "EC256"),
        (RSA.chain, EC.key, "EC256"),
        (EC.chain, EC.key, "RSA2048"),
        (EC.chain, EC.key, ""),
        (EC.chain, EC.key, "DSA1024"),
        ("", EC.key, "EC256"),
        (EC.chain, "", "EC256"),
        (EC.key, EC.chain, "EC256"),
        (EC.chain, rewritten(EC.key, PrivateFormat.PKCS8, b"secret"), "EC256"),
        (EC.chain, EC.key.replace("M", "", 1), "EC256"),
        (EC.chain.replace("MII", "MIJ", 1), EC.key, "EC256"),
        (EC.chain + ISSUERS[0].replace("MII", "MIJ", 1), EC.key, "EC256"),
        (EC.chain + "text", EC.key, "EC256"),
        (EC.chain + EC.key, EC.key, "EC256"),
    ],
)
def test_anything_else_is_left_to_files_without_a_trace(chain: str, key: str, key_type: str) -> None:
    context = server()
    assert not load(context, chain, key, key_type)
    # An error that OpenSSL keeps would be raised here.
    assert presented_by_another() == EC.chain


def presented_by_another() -> str:
    context = server()
    assert load(context, EC.chain, EC.key, "EC256")
    return presented(context)
