"""Computes the metrics of certificates in the configuration, and of those that resolvers obtain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nsmallest
from ipaddress import ip_address
from operator import attrgetter

from proxy.telemetry.exposition.totals import Labels
from rondpoint.store.acme import AcmeState
from rondpoint.tls.model import Certificate

SLICE = 1000
"""Certificates examined between two yields."""

MAX_CERTIFICATES = 1000
"""The most certificates with a series of their own: those that expire first."""


def expiry_times(
    certificates: Sequence[Certificate], yield_if_due: Callable[[], None]
) -> Mapping[Labels, float]:
    """Return the ends of the certificates that expire first, by common name, serial number and domains."""
    first: list[Certificate] = []
    for start in range(0, len(certificates), SLICE):
        yield_if_due()
        portion = certificates[start : start + SLICE]
        first = nsmallest(MAX_CERTIFICATES, (*first, *portion), key=attrgetter("not_after"))
    return {(each.subject, each.serial, _domains(each)): each.not_after for each in first}


def resolver_certificates(
    certificates: Iterable[Certificate], states: Iterable[AcmeState]
) -> Mapping[Labels, float]:
    """Return the number of certificates by resolver and state."""
    counts: Counter[Labels] = Counter((each.resolver, "obtained") for each in certificates if each.resolver)
    for state in states:
        if state.error:
            counts[state.resolver, "failing"] += 1
        if state.ordering:
            counts[state.resolver, "ordering"] += 1
    return dict(counts)


def _domains(certificate: Certificate) -> str:
    return ",".join(sorted(name for name in certificate.names if not _is_address(name)))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
