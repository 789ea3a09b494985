"""Settles which certificates are published, and which of them is the default one."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from discovery.merging.entry_point_names import find_entry_point, list_entry_points
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.tls.model import Certificate, CertificateRequest, TlsDomain


def take_request(
    certificates: dict[str, Certificate],
) -> tuple[CertificateRequest | None, list[Diagnostic]]:
    """Remove the requests for a default certificate, and return the one that counts, and the diagnostics.

    A default certificate from a file or key comes before it.
    """
    requests = [certificates.pop(name) for name in sorted(certificates) if not certificates[name].chain]
    if not requests:
        return None, []
    first, *others = requests
    given = next((each for each in certificates.values() if each.default), None)
    refused = [first, *others] if given else [each for each in others if not _same_request(each, first)]
    reason = f"{given.source} is the default certificate" if given else f"{first.name} is used"
    found = [
        _diagnostic(each, "the request for a default certificate has no effect", reason) for each in refused
    ]
    if given:
        return None, found
    return CertificateRequest(first.resolver, TlsDomain(first.names[0], first.names[1:])), found


def settle_defaults(certificates: dict[str, Certificate]) -> Iterator[Diagnostic]:
    """Remove all default certificates but the first one by provider and file, and yield the diagnostics."""
    defaults = sorted(
        (each for each in certificates.values() if each.default and each.chain),
        key=lambda each: (_provider(each), each.source, each.name),
    )
    for each in defaults[1:]:
        del certificates[each.name]
        message = "is no default certificate, because another one is defined"
        yield _diagnostic(each, message, f"{defaults[0].source} is used; define only one")


def settle_entry_points(
    certificates: dict[str, Certificate], entry_points: Collection[str]
) -> Iterator[Diagnostic]:
    """Remove unknown entry points from certificates, and certificates without any; yield the diagnostics."""
    for name, certificate in list(certificates.items()):
        if not certificate.entry_points:
            continue
        found = {point: find_entry_point(point, entry_points) for point in certificate.entry_points}
        known = tuple(dict.fromkeys(point for point in found.values() if point is not None))
        for point in (point for point, real in found.items() if real is None):
            message = f"entry point {point!r} does not exist"
            message += "" if known else " and the certificate names no other, so it is left out"
            yield _diagnostic(certificate, message, list_entry_points(entry_points), error=not known)
        if not known:
            del certificates[name]
        elif known != certificate.entry_points:
            certificates[name] = replace(certificate, entry_points=known)


def _same_request(one: Certificate, other: Certificate) -> bool:
    return (one.resolver, one.names) == (other.resolver, other.names)


def _provider(certificate: Certificate) -> str:
    return certificate.name.rpartition("@")[2]


def _diagnostic(certificate: Certificate, message: str, hint: str, *, error: bool = True) -> Diagnostic:
    severity = Severity.ERROR if error else Severity.WARNING
    subject = f"certificate {certificate.source or certificate.name}"
    return Diagnostic(severity, _provider(certificate), subject, message, hint)
