"""What Traefik's API shows of a certificate."""

from __future__ import annotations

from msgspec import Struct


class X509Fields(Struct, frozen=True):
    """The fields of a certificate in Traefik's words; times in Unix seconds, the key's size in bits.

    `sans` are its alternative names, sorted. A field that is not known is empty or 0.
    """

    sans: tuple[str, ...] = ()
    common_name: str = ""
    organization: str = ""
    country: str = ""
    issuer_name: str = ""
    issuer_organization: str = ""
    issuer_country: str = ""
    not_before: float = 0.0
    not_after: float = 0.0
    serial: str = ""
    version: str = ""
    key_type: str = ""
    key_size: int = 0
    signature_algorithm: str = ""
    public_key_fingerprint: str = ""
