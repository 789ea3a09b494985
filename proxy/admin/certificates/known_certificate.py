"""One row in the list of certificates: a certificate, or names for which a resolver has none yet."""

from __future__ import annotations

from msgspec import Struct

from rondpoint.store.acme import AcmeState
from rondpoint.tls.model import Certificate


class KnownCertificate(Struct, frozen=True):
    """A certificate that is served; without a `certificate`, the names that a resolver is to obtain one for.

    `name` is the certificate's, or that of the `state`. `state` is None unless a resolver renews it.
    `unusable` says why this worker cannot load the certificate. `renew_at` is when its resolver renews it, in
    Unix seconds; 0 if none does.
    """

    name: str
    names: tuple[str, ...]
    certificate: Certificate | None = None
    state: AcmeState | None = None
    unusable: str = ""
    renew_at: float = 0.0

    @property
    def title(self) -> str:
        """The common name or, in a certificate without one, the first name."""
        subject = "" if self.certificate is None else self.certificate.subject
        return subject or next(iter(self.names), "")

    @property
    def resolver(self) -> str:
        """The resolver that obtains it; empty if none does."""
        if self.certificate is not None and self.certificate.resolver:
            return self.certificate.resolver
        return "" if self.state is None else self.state.resolver

    @property
    def issuer(self) -> str:
        """The issuer; empty if it is not known."""
        return "" if self.certificate is None else self.certificate.issuer

    @property
    def not_after(self) -> float:
        """The end of its validity in Unix seconds; 0 without a certificate."""
        return 0.0 if self.certificate is None else self.certificate.not_after
