"""ACME renewal information (ARI, RFC 9773): when the CA wants a certificate to be renewed."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from datetime import datetime

from cryptography import x509
from msgspec import Struct, field

from discovery.acme.orders.ca_connection import CaConnection
from discovery.acme.orders.renewal_window import RenewalInfo

ASK_AGAIN = 6 * 3600.0
"""Seconds between two questions if the CA does not say (RFC 9773 §4.3.2)."""
SHORTEST_PAUSE, LONGEST_PAUSE = 60.0, 24 * 3600.0


class _Window(Struct, frozen=True):
    start: datetime
    end: datetime


class _Document(Struct, frozen=True, rename="camel"):
    suggested_window: _Window
    explanation_url: str = field(default="", name="explanationURL")


def renewal_identifier(leaf: x509.Certificate) -> str:
    """Return the identifier of a certificate for the CA; empty if it has no authority key identifier."""
    try:
        extension = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError):
        return ""
    authority = extension.value.key_identifier
    if authority is None:
        return ""
    serial = leaf.serial_number
    # DER needs a leading zero byte if the first bit is set.
    encoded_serial = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    return f"{_encode(authority)}.{_encode(encoded_serial)}"


def renewal_info(ca: CaConnection, leaf: x509.Certificate) -> RenewalInfo | None:
    """Ask the CA about a certificate; None if it does not offer this. Raises OrderError."""
    base = getattr(ca.directory, "renewalInfo", "")
    identifier = renewal_identifier(leaf)
    if not base or not identifier:
        return None
    subject = "renewal information"
    response = ca.get(f"{base.rstrip('/')}/{identifier}", subject)
    document = ca.decode(response, _Document, subject)
    now = time.time()
    pause = ca.retry_at - now if ca.retry_at else ASK_AGAIN
    window = document.suggested_window
    return RenewalInfo(
        window.start.timestamp(),
        max(window.start, window.end).timestamp(),
        now + min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE),
        document.explanation_url,
    )


def _encode(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
