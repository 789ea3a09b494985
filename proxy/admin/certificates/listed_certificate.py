"""A certificate in the dashboard's list."""

from __future__ import annotations

from msgspec import Struct

from proxy.admin.certificates.known_certificate import KnownCertificate
from proxy.admin.certificates.known_certificates import KnownCertificates
from proxy.admin.certificates.status import CertificateStatus, format_time

MAX_NAMES = 5
"""Names shown of one certificate."""


class ListedCertificate(Struct, frozen=True):
    """A row of the list. `more` counts names that are not shown; times are for people, empty for none.

    `renewal` says what its resolver does next.
    """

    id: str
    names: tuple[str, ...]
    more: int
    default: bool
    issuer: str
    source: str
    until: str
    renewal: str
    used_by: tuple[str, ...]
    status: CertificateStatus
    error: tuple[str, ...]


def listed_certificate(known: KnownCertificate, certificates: KnownCertificates) -> ListedCertificate:
    """Return the row of a certificate."""
    report = certificates.report(known)
    certificate = known.certificate
    source = f"resolver {known.resolver}" if known.resolver else ""
    return ListedCertificate(
        known.name,
        known.names[:MAX_NAMES],
        max(0, len(known.names) - MAX_NAMES),
        certificate is not None and certificate.default,
        known.issuer,
        source or (certificate.source if certificate is not None else ""),
        format_time(known.not_after) if known.not_after else "",
        _renewal(known),
        certificates.users.get(known.name, ()),
        report.status,
        report.errors,
    )


def _renewal(known: KnownCertificate) -> str:
    state = known.state
    if state is not None and state.ordering:
        return "an order is under way"
    if state is not None and state.error:
        return f"tried again {format_time(state.next_attempt)}" if state.next_attempt else ""
    return f"renewed {format_time(known.renew_at)}" if known.renew_at else ""
