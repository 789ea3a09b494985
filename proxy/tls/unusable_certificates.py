"""Remembers certificates that could not be loaded, so that each one is tried and logged once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.tls.certificate_index import Certificates
    from proxy.tls.errors import CertificateError
    from rondpoint.tls.model import Certificate

log = logging.getLogger(__name__)


class UnusableCertificates:
    """Certificates that could not be loaded; a replaced one is another one. `reasons` are by their names."""

    def __init__(self) -> None:
        self._certificates: dict[str, Certificate] = {}
        self.reasons: dict[str, str] = {}

    def add(self, error: CertificateError) -> None:
        """Add the certificate of this error."""
        certificate = error.certificate
        self._certificates[certificate.name] = certificate
        self.reasons[certificate.name] = str(error)
        log.error("clients get another certificate, because one cannot be loaded: %s", error)

    def remove(self, name: str) -> None:
        """Forget a certificate; ignore an unknown name."""
        self._certificates.pop(name, None)
        self.reasons.pop(name, None)

    def without(self, certificates: Certificates) -> Certificates:
        """Return the certificates that can be loaded, as far as is known."""
        unusable = self._certificates
        if not unusable:
            return certificates
        return tuple(each for each in certificates if unusable.get(each.name) is not each)
