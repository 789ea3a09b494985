"""Challenges, and the interface of the responders to them."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from msgspec import Struct

HTTP_01 = "http-01"
TLS_ALPN_01 = "tls-alpn-01"
DNS_01 = "dns-01"


class Challenge(Struct, frozen=True):
    """A challenge of a `kind` for a name or an IP address; of a wildcard, `name` is the part after `*.`."""

    kind: str
    name: str
    token: str
    key_authorization: str

    def __repr__(self) -> str:
        return f"Challenge({self.kind} for {self.name})"

    @property
    def digest(self) -> bytes:
        """The SHA-256 digest of the key authorization."""
        return hashlib.sha256(self.key_authorization.encode()).digest()

    @property
    def text(self) -> str:
        """The value of the TXT record `_acme-challenge.NAME` (RFC 8555 §8.4)."""
        return urlsafe_b64encode(self.digest).rstrip(b"=").decode()

    @property
    def server_name(self) -> str:
        """The name that the CA sends in its ClientHello; of an address, its reverse name (RFC 8738 §6)."""
        try:
            return ip_address(self.name).reverse_pointer
        except ValueError:
            return self.name


class ChallengeResponder(Protocol):
    """Responds to challenges of one kind. Every method may raise ResponderError."""

    kind: str

    def present(self, challenge: Challenge) -> None:
        """Publish the response. It may already be there."""

    def wait_until_visible(self, challenges: Sequence[Challenge]) -> None:
        """Return once the CA can see the responses to all of these challenges, which were presented."""

    def clean_up(self, challenge: Challenge) -> None:
        """Remove the response; it need not be there."""


class ResponderError(Exception):
    """A response could not be published; the texts say why, and what mends it. They hold no secrets."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
