"""The reasons for which TLS is not served as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rondpoint.tls.model import Certificate


class CertificateError(Exception):
    """A certificate cannot be used; the message names it and says why."""

    def __init__(self, certificate: Certificate, reason: object) -> None:
        super().__init__(f"{certificate.source or f'certificate {certificate.name}'}: {reason}")
        self.certificate = certificate


class OptionsError(Exception):
    """Connections cannot be made with some TLS options; the message says why."""


class HandshakeError(Exception):
    """A client's handshake is refused; `alert` is what the client is told (RFC 8446 §6)."""

    def __init__(self, alert: int, reason: str) -> None:
        super().__init__(reason)
        self.alert = alert


HANDSHAKE_FAILURE = 40
DECODE_ERROR = 50
INTERNAL_ERROR = 80
UNRECOGNIZED_NAME = 112
NO_APPLICATION_PROTOCOL = 120
