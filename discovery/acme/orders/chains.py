"""Certificate chains that a CA offers: which one to serve, and whether it is the one that was ordered."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from requests.utils import parse_header_links

from discovery.acme.orders.account import AccountConnection
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure
from discovery.acme.orders.private_keys import load_key

logger = logging.getLogger(__name__)


def download(connection: AccountConnection, url: str, preferred: str) -> str:
    """Return the chain at `url` as PEM, or the alternative whose last issuer has the common name `preferred`.

    Raises OrderError.
    """
    response = connection.post(url, None, "the certificate")
    if not preferred or _top_issuer(response.text) == preferred:
        return response.text
    for alternative in _alternatives(response):
        chain = connection.post(alternative, None, "an alternative chain").text
        if _top_issuer(chain) == preferred:
            return chain
    logger.warning("the authority offers no chain up to %r; its default chain is used", preferred)
    return response.text


def check(chain: str, key: str, names: Sequence[str]) -> None:
    """Raise OrderError unless the first certificate belongs to this key and covers these names."""
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, IndexError, x509.ExtensionNotFound) as error:
        raise _unusable(f"it cannot be read ({error})") from None
    covered = {name.lower() for name in found.get_values_for_type(x509.DNSName)}
    covered |= {str(address) for address in found.get_values_for_type(x509.IPAddress)}
    if missing := sorted(set(names) - covered):
        raise _unusable(f"it lacks {', '.join(missing)}")
    expected = load_key(key).public_key()
    if _encode(leaf.public_key()) != _encode(expected):
        raise _unusable("it belongs to another key")


def _encode(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _top_issuer(chain: str) -> str:
    try:
        top = x509.load_pem_x509_certificates(chain.encode())[-1]
    except ValueError:
        return ""
    names = top.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _alternatives(response: requests.Response) -> list[str]:
    links = parse_header_links(response.headers.get("Link", ""))
    return [link["url"] for link in links if link.get("rel") == "alternate"]


def _unusable(reason: str) -> OrderError:
    return OrderError(
        OrderFailure(
            FailureKind.REFUSED, f"the authority issued a certificate that was not ordered: {reason}"
        )
    )
