"""The status of a certificate, with what is wrong and what mends it: pure functions of the time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from proxy.admin.certificates.known_certificate import KnownCertificate
from rondpoint.tls.model import Certificate

CertificateStatus = Literal["enabled", "warning", "expired", "pending", "failed"]
"""The first three are Traefik's. Without a usable certificate, a name is `pending` or `failed`."""

STATUSES: tuple[CertificateStatus, ...] = ("enabled", "warning", "expired", "pending", "failed")

WORST_FIRST: tuple[CertificateStatus, ...] = ("expired", "failed", "warning", "pending", "enabled")

BAD: tuple[CertificateStatus, ...] = ("expired", "failed")
"""The status of certificates that browsers refuse now."""

_DAY = 86_400.0

LONGEST_WARNING = 30 * _DAY
"""Seconds before its end from which a certificate has the status `warning`, as in Traefik."""

_SHARE_LEFT = 1 / 3
"""The share of a shorter life from which the status is `warning`, because some live for six days only."""

_RENEWED_SHARE = 0.5
"""The share of that time for certificates that a resolver renews, which it does when that time begins."""


class StatusReport(Struct, frozen=True):
    """A status; `errors` say what is wrong, each with what mends it if that is known."""

    status: CertificateStatus
    errors: tuple[str, ...] = ()


def status_of(known: KnownCertificate, now: float) -> StatusReport:
    """Return the status of a certificate at this time, in Unix seconds."""
    failure = _last_failure(known)
    if known.certificate is None:
        return StatusReport("failed" if failure else "pending", failure)
    if known.unusable:
        return StatusReport("failed", (f"it cannot be loaded, so clients get another: {known.unusable}",))
    if not known.certificate.not_after:
        return StatusReport("failed", (f"no client accepts it: replace {known.certificate.source}",))
    status, reason = _validity(known.certificate, now, renewed=bool(known.resolver))
    if status == "enabled" and failure:
        status = "warning"
    return StatusReport(status, (*reason, *failure))


def _validity(
    certificate: Certificate, now: float, *, renewed: bool
) -> tuple[CertificateStatus, tuple[str, ...]]:
    left = certificate.not_after - now
    mend = "" if renewed else f": replace {certificate.source}"
    if left < 0:
        return "expired", (f"it expired {format_time(certificate.not_after)}{mend}",)
    if certificate.not_before > now:
        return "warning", (f"it is not valid before {format_time(certificate.not_before)}",)
    if left < _warning_time(certificate) * (_RENEWED_SHARE if renewed else 1):
        return "warning", (f"it expires {format_time(certificate.not_after)}{mend}",)
    return "enabled", ()


def _warning_time(certificate: Certificate) -> float:
    return min(LONGEST_WARNING, (certificate.not_after - certificate.not_before) * _SHARE_LEFT)


def _last_failure(known: KnownCertificate) -> tuple[str, ...]:
    state = known.state
    if state is None or not state.error:
        return ()
    hint = f"; {state.hint}" if state.hint else ""
    return (f"resolver {state.resolver} could not obtain it: {state.error}{hint}",)


def format_time(seconds: float) -> str:
    """Return a time in Unix seconds for people: `2026-01-31 12:00 UTC`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
