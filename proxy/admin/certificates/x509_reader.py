"""Reads from a certificate what Traefik's API shows of it.

The library behind it is large, so others import this module only when somebody looks at certificates.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from proxy.admin.certificates.x509_fields import X509Fields

_SIGNATURES = {
    SignatureAlgorithmOID.RSA_WITH_SHA1: "SHA1-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "SHA256-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "SHA384-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "SHA512-RSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "ECDSA-SHA1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ECDSA-SHA256",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "ECDSA-SHA384",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "ECDSA-SHA512",
    SignatureAlgorithmOID.ED25519: "Ed25519",
}
"""Go's names of the signature algorithms; the hash of RSASSA-PSS is among its parameters."""


def read_x509(certificate: bytes) -> X509Fields:
    """Return the fields of a certificate in DER. Raises ValueError."""
    leaf = x509.load_der_x509_certificate(certificate)
    try:
        key = leaf.public_key()
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    key_type, key_size = _key_type(key)
    subject, issuer = leaf.subject, leaf.issuer
    return X509Fields(
        sans=_names(leaf),
        common_name=_last(subject, NameOID.COMMON_NAME),
        organization=_first(subject, NameOID.ORGANIZATION_NAME),
        country=_first(subject, NameOID.COUNTRY_NAME),
        issuer_name=_last(issuer, NameOID.COMMON_NAME),
        issuer_organization=_first(issuer, NameOID.ORGANIZATION_NAME),
        issuer_country=_first(issuer, NameOID.COUNTRY_NAME),
        not_before=leaf.not_valid_before_utc.timestamp(),
        not_after=leaf.not_valid_after_utc.timestamp(),
        serial=str(leaf.serial_number),
        version=f"v{leaf.version.value + 1}",
        key_type=key_type,
        key_size=key_size,
        signature_algorithm=_signature(leaf),
        public_key_fingerprint=_fingerprint(key),
    )


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return tuple(sorted([*found.get_values_for_type(x509.DNSName), *addresses]))


def _values(name: x509.Name, kind: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(kind)]


def _first(name: x509.Name, kind: x509.ObjectIdentifier) -> str:
    return next(iter(_values(name, kind)), "")


def _last(name: x509.Name, kind: x509.ObjectIdentifier) -> str:
    return next(reversed(_values(name, kind)), "")


def _key_type(key: CertificatePublicKeyTypes) -> tuple[str, int]:
    match key:
        case rsa.RSAPublicKey():
            return "RSA", key.key_size
        case ec.EllipticCurvePublicKey():
            return "ECDSA", key.curve.key_size
        case ed25519.Ed25519PublicKey():
            # Traefik calls it Unknown.
            return "Ed25519", 0
    return "Unknown", 0


def _signature(leaf: x509.Certificate) -> str:
    kind = leaf.signature_algorithm_oid
    if kind == SignatureAlgorithmOID.RSASSA_PSS:
        algorithm = leaf.signature_hash_algorithm
        return f"{'' if algorithm is None else algorithm.name.upper()}-RSAPSS"
    return _SIGNATURES.get(kind, kind.dotted_string)


def _fingerprint(key: CertificatePublicKeyTypes) -> str:
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(encoded)
    return digest.finalize().hex()
