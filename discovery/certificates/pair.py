"""Checks a certificate and its private key, and reads what proxies and people need to know about them.

The library behind it is large, so others import this module only when the first certificate comes.
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import NameOID
from msgspec import Struct

from discovery.certificates.errors import ContentsError

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_KEY = re.compile(r"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----(?:(?!-----).)+-----END \1-----", re.DOTALL)
_ENCRYPTED = re.compile(r"-----BEGIN ENCRYPTED|^ *Proc-Type: *4, *ENCRYPTED", re.MULTILINE)

FINGERPRINT_DIGITS = 16
"""Hexadecimal digits of the SHA-256 fingerprint that name a certificate."""


class Pair(Struct, frozen=True, gc=False):
    """A certificate that fits its private key, with the fields of `rondpoint.tls.model.Certificate`.

    `chain` and `key` are PEM texts without anything else. `fingerprint` has FINGERPRINT_DIGITS digits.
    """

    chain: str
    key: str
    fingerprint: str
    names: tuple[str, ...]
    not_before: float
    not_after: float
    subject: str
    issuer: str
    serial: str
    key_type: str

    def __repr__(self) -> str:
        # The key must not get into logs.
        return f"Pair({self.fingerprint!r}, {self.names!r})"


def check_pair(certificates: str, key: str) -> Pair:
    """Check that the first of these certificates fits the key, both PEM texts. Raises ContentsError.

    One text may contain both, as some programs write them.
    """
    chain = _read_chain(certificates)
    block = _find_key(key)
    leaf, public_key = chain[0], _read_public_key(block)
    if _encode(leaf.public_key()) != public_key:
        raise _mismatch(chain, public_key)
    return Pair(
        "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in chain),
        f"{block}\n",
        leaf.fingerprint(hashes.SHA256()).hex()[:FINGERPRINT_DIGITS],
        _names(leaf),
        leaf.not_valid_before_utc.timestamp(),
        leaf.not_valid_after_utc.timestamp(),
        _last_value(leaf.subject, NameOID.COMMON_NAME),
        _issuer(leaf),
        str(leaf.serial_number),
        _key_type(leaf.public_key()),
    )


def check_authorities(certificates: str) -> str:
    """Return the certificates in a PEM text, without anything else. Raises ContentsError for `caFiles`."""
    try:
        chain = _read_chain(certificates)
    except ContentsError as error:
        raise ContentsError("caFiles", str(error), error.hint) from None
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in chain)


def _read_chain(text: str) -> list[x509.Certificate]:
    blocks = _CERTIFICATE.findall(text)
    if not blocks:
        hint = "expected text with -----BEGIN CERTIFICATE----- in it"
        raise ContentsError("certFile", "contains no certificate in PEM", hint)
    try:
        return [x509.load_pem_x509_certificate(_clean(block).encode()) for block in blocks]
    except ValueError:
        hint = "write the file again; it may be incomplete"
        raise ContentsError("certFile", "contains a certificate that cannot be read", hint) from None


def _find_key(text: str) -> str:
    found = _KEY.search(text)
    if found is None:
        hint = "expected text with -----BEGIN PRIVATE KEY----- in it"
        raise ContentsError("keyFile", "contains no private key in PEM", hint)
    if _ENCRYPTED.search(found[0]):
        hint = "write it without a password (openssl pkey does that), and let only the agent read the file"
        raise ContentsError("keyFile", "is encrypted, which is not served", hint)
    return _clean(found[0])


def _clean(block: str) -> str:
    """Return a PEM block without the indentation that it may have in a dynamic file."""
    return "\n".join(map(str.strip, block.splitlines()))


def _read_public_key(block: str) -> bytes:
    try:
        # The check that is skipped takes some 30 ms. OpenSSL loads a server's key without it, too.
        key = serialization.load_pem_private_key(block.encode(), None, unsafe_skip_rsa_key_validation=True)
        return _encode(key.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Its text is not shown, because it may quote the key.
        hint = "write the file again; it may be incomplete"
        raise ContentsError("keyFile", "contains a private key that cannot be read", hint) from None


def _encode(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _mismatch(chain: list[x509.Certificate], public_key: bytes) -> ContentsError:
    if any(_encode(each.public_key()) == public_key for each in chain[1:]):
        hint = "write the server's certificate first, then those of its issuers"
        return ContentsError("certFile", "does not begin with the certificate of the key", hint)
    hint = "name the key with which the certificate was requested"
    return ContentsError("keyFile", "is not the key of the certificate", hint)


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """Return the alternative names, or the common name of a certificate that has none, in lower case."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = [_last_value(leaf.subject, NameOID.COMMON_NAME)]
    except ValueError:
        raise ContentsError("certFile", "has names that cannot be read", "get a new certificate") from None
    else:
        addresses = map(str, found.get_values_for_type(x509.IPAddress))
        names = [*found.get_values_for_type(x509.DNSName), *addresses]
    return tuple(dict.fromkeys(name.lower() for name in names if name))


def _issuer(leaf: x509.Certificate) -> str:
    """Return organisation and common name of the issuer, as far as it has them."""
    parts = (_last_value(leaf.issuer, kind) for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME))
    return ", ".join(filter(None, parts)) or leaf.issuer.rfc4514_string()


def _last_value(name: x509.Name, kind: x509.ObjectIdentifier) -> str:
    values = [attribute.value for attribute in name.get_attributes_for_oid(kind)]
    return str(values[-1]) if values else ""


def _key_type(key: PublicKeyTypes) -> str:
    match key:
        case rsa.RSAPublicKey():
            return f"RSA{key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC{key.curve.key_size}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
    raise ContentsError(
        "keyFile", "is of a type that TLS does not use", "use a key of type EC, RSA or Ed25519"
    )
