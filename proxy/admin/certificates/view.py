"""Certificates as Traefik 3's API shows them, and what Rondpoint knows about them besides."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct, field

from proxy.admin.certificates.known_certificate import KnownCertificate
from proxy.admin.certificates.status import CertificateStatus, StatusReport
from proxy.admin.certificates.x509_fields import X509Fields
from proxy.admin.views.object_status import provider_of
from rondpoint.tls.model import Certificate

ReadX509 = Callable[[bytes], X509Fields]
"""Reads a certificate in DER. Raises ValueError."""

MAX_USERS = 100
"""The most routers in one view; `usedByCount` has their number."""


class RenewalView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a resolver does next for a certificate, and what went wrong; times as in RFC 3339.

    `renew_at` is when it is renewed, with the certificate authority's `explanation` if that chose the time.
    After `failures` in a row, it is tried again at `next_attempt`; `error` and `hint` are about the last one.
    `ordering`: an order is under way.
    """

    renew_at: str = ""
    explanation: str = ""
    ordering: bool = False
    failures: int = 0
    failed_at: str = ""
    next_attempt: str = ""
    error: str = ""
    hint: str = ""


class CertificateView(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A certificate, never with its key. `name` is its SHA-256 fingerprint, as in Traefik.

    `id` is the name in diagnostics and in the store, which requests may use, too. Names for which a resolver
    has no certificate yet have no fingerprint: both are the id then, and most fields are missing. `source`
    is where it is from. Without `entry_points` it is for all of them. `default` ones are for names that no
    other has. `used_by` lists routers with a host that gets this certificate on one of their entry points.
    `error` explains the status.
    """

    name: str
    id: str
    provider: str
    status: CertificateStatus
    sans: tuple[str, ...]
    common_name: str
    source: str = ""
    resolver: str = ""
    entry_points: tuple[str, ...] = ()
    default: bool = False
    used_by: tuple[str, ...] = ()
    used_by_count: int = 0
    error: tuple[str, ...] = ()
    renewal: RenewalView | None = None
    not_before: str = ""
    not_after: str = ""
    serial_number: str = ""
    issuer_org: str = ""
    issuer_cn: str = field(default="", name="issuerCN")
    issuer_country: str = ""
    organization: str = ""
    country: str = ""
    version: str = ""
    key_type: str = ""
    key_size: int = 0
    signature_algorithm: str = ""
    cert_fingerprint: str = ""
    public_key_fingerprint: str = ""


def certificate_view(
    known: KnownCertificate, report: StatusReport, used_by: tuple[str, ...], read_x509: ReadX509
) -> CertificateView:
    """Return the view of a certificate; `used_by` are the names of routers."""
    certificate = known.certificate or Certificate(known.name, "", "", known.names)
    encoded = _der(certificate)
    fingerprint = "" if encoded is None else sha256(encoded).hexdigest()
    fields = _read_fields(certificate, encoded, read_x509)
    return CertificateView(
        name=fingerprint or known.name,
        id=known.name,
        provider=provider_of(known.name),
        status=report.status,
        sans=fields.sans,
        common_name=fields.common_name,
        source=certificate.source,
        resolver=known.resolver,
        entry_points=certificate.entry_points,
        default=certificate.default,
        used_by=used_by[:MAX_USERS],
        used_by_count=len(used_by),
        error=report.errors,
        renewal=_renewal(known),
        not_before=_written(fields.not_before),
        not_after=_written(fields.not_after),
        serial_number=fields.serial,
        issuer_org=fields.issuer_organization,
        issuer_cn=fields.issuer_name,
        issuer_country=fields.issuer_country,
        organization=fields.organization,
        country=fields.country,
        version=fields.version,
        key_type=fields.key_type,
        key_size=fields.key_size,
        signature_algorithm=fields.signature_algorithm,
        cert_fingerprint=fingerprint,
        public_key_fingerprint=fields.public_key_fingerprint,
    )


def fingerprint_of(certificate: Certificate) -> str:
    """Return the SHA-256 fingerprint in hexadecimal; empty if the certificate cannot be read."""
    encoded = _der(certificate)
    return "" if encoded is None else sha256(encoded).hexdigest()


def _der(certificate: Certificate) -> bytes | None:
    """Return the first certificate of the chain in DER, or None if there is none."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    start = certificate.chain.find(begin)
    stop = certificate.chain.find(end, start)
    if start < 0 or stop < 0:
        return None
    try:
        return ssl.PEM_cert_to_DER_cert(certificate.chain[start : stop + len(end)])
    except ValueError:
        return None


def _read_fields(certificate: Certificate, encoded: bytes | None, read_x509: ReadX509) -> X509Fields:
    """Return the fields of a certificate, or those that are known without reading it."""
    with suppress(ValueError):
        if encoded is not None:
            return read_x509(encoded)
    return X509Fields(
        sans=tuple(sorted(certificate.names)),
        common_name=certificate.subject,
        issuer_name=certificate.issuer,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        serial=certificate.serial,
        key_type=certificate.key_type,
    )


def _renewal(known: KnownCertificate) -> RenewalView | None:
    state = known.state
    if state is None:
        return RenewalView(_written(known.renew_at)) if known.renew_at else None
    return RenewalView(
        _written(known.renew_at),
        state.explanation,
        state.ordering,
        state.failures,
        _written(state.failed_at),
        _written(state.next_attempt),
        state.error,
        state.hint,
    )


def _written(seconds: float) -> str:
    """Return a time in Unix seconds as Go writes it in JSON; empty for 0."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""
