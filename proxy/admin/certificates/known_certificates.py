"""All certificates that a worker knows: published ones, those of entry points, and those not obtained yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import redis
from gevent.hub import get_hub
from msgspec.structs import replace

from proxy.admin.certificates.known_certificate import KnownCertificate
from proxy.admin.certificates.status import BAD, WORST_FIRST, StatusReport, status_of
from proxy.admin.certificates.users import users_by_certificate
from proxy.admin.certificates.view import CertificateView, ReadX509, certificate_view, fingerprint_of
from proxy.admin.list_query import CERTIFICATE_ORDERS, parse_list_query
from proxy.admin.views.object_status import DISABLED
from rondpoint.store.acme import AcmeState, certificate_id, read_states
from rondpoint.tls.model import Certificate, TlsDomain
from rondpoint.tls.renewal import renewal_time

if TYPE_CHECKING:
    from proxy.admin.current_configuration import CurrentConfiguration
    from proxy.runtime import Runtime
    from proxy.tls.entry_point_contexts import HandshakePreview
    from rondpoint.model import Router

_FINGERPRINT_DIGITS = 64


class KnownCertificates:
    """The certificates at the time of one request to the API."""

    def __init__(self, runtime: Runtime, configuration: CurrentConfiguration) -> None:
        self._runtime = runtime
        self._configuration = configuration
        self._now = time.time()

    @cached_property
    def by_name(self) -> Mapping[str, KnownCertificate]:
        """All certificates, and the names that a resolver is to obtain a certificate for."""
        states = dict(self._read_states())
        unusable = self._runtime.tls.certificates.unusable.reasons
        known: dict[str, KnownCertificate] = {}
        certificates = (*self._configuration.state.certificates.values(), *self._own_certificates())
        for each in self._configuration.in_portions(certificates):
            state, renew_at = None, 0.0
            if each.resolver:
                identity = _identity(each)
                state = states.pop(identity, None)
                renew_at = state.renew_at if state is not None else 0.0
                renew_at = renew_at or renewal_time(each.not_before, each.not_after, identity)
            fault = unusable.get(each.name, "")
            known[each.name] = KnownCertificate(each.name, each.names, each, state, fault, renew_at)
        for name, state in states.items():
            known[name] = KnownCertificate(name, state.domain.names, state=state)
        return known

    @cached_property
    def users(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the routers with a host that gets a certificate, by its name."""
        return users_by_certificate(
            self._configuration.in_portions(self._configuration.state.routers.values()),
            self.tls_entry_points,
            lambda point, host: self.preview(point, host).certificates,
        )

    def preview(self, entry_point: str, host: str) -> HandshakePreview:
        """Return what clients get that name this host at an entry point with TLS."""
        return self._runtime.tls.by_entry_point[entry_point].preview(host)

    def tls_entry_points(self, router: Router) -> tuple[str, ...]:
        """Return the entry points on which a router takes requests over TLS."""
        if router.parents:
            return ()
        settings = self._runtime.settings
        return tuple(
            point
            for point in router.entry_points or settings.default_entry_points
            if point in self._runtime.tls.by_entry_point
            and (router.tls or point in settings.tls_entry_points)
        )

    def report(self, known: KnownCertificate) -> StatusReport:
        """Return the status of a certificate."""
        return status_of(known, self._now)

    def select(self, query: Mapping[str, str]) -> list[KnownCertificate]:
        """Return the certificates that match the query, in its order."""
        list_query = parse_list_query(query, CERTIFICATE_ORDERS)
        found = [
            known
            for known in self._configuration.in_portions(self.by_name.values())
            if list_query.matches_search(known.name, known.title, known.issuer, *known.names)
            and (not list_query.status or self._matches_status(known, list_query.status))
        ]
        found.sort(key=self._sort_key(list_query.order), reverse=list_query.descending)
        return found

    def find(self, name: str) -> KnownCertificate | None:
        """Return a certificate by its name, or by its fingerprint as Traefik does."""
        # The router of requests merges slashes, so an id that is a path has lost its first one.
        found = self.by_name.get(name) or self.by_name.get(f"/{name}")
        if found is not None or len(name) != _FINGERPRINT_DIGITS:
            return found
        for known in self._configuration.in_portions(self.by_name.values()):
            if known.certificate is not None and fingerprint_of(known.certificate) == name:
                return known
        return None

    def view(self, known: KnownCertificate) -> CertificateView:
        """Return the view of a certificate."""
        return certificate_view(known, self.report(known), self.users.get(known.name, ()), _x509_reader())

    def count(self) -> Mapping[str, int]:
        """Return the number of certificates by status."""
        counts: dict[str, int] = {}
        for known in self._configuration.in_portions(self.by_name.values()):
            status = self.report(known).status
            counts[status] = counts.get(status, 0) + 1
        return counts

    def _read_states(self) -> Mapping[str, AcmeState]:
        worker = self._runtime
        try:
            return read_states(worker.client, worker.keys, self._configuration.yield_if_due)
        except redis.RedisError:
            # The diagnostics say that the store does not respond. Certificates in force are still known.
            return {}

    def _own_certificates(self) -> Collection[Certificate]:
        """Return the certificates in the settings, each with all of its entry points."""
        found: dict[str, Certificate] = {}
        for point, contexts in self._runtime.tls.by_entry_point.items():
            for each in contexts.own_certificates:
                before = found[each.name].entry_points if each.name in found else ()
                found[each.name] = replace(each, entry_points=(*before, point))
        return found.values()

    def _matches_status(self, known: KnownCertificate, wanted: str) -> bool:
        status = self.report(known).status
        return status == wanted or (wanted == DISABLED and status in BAD)

    def _sort_key(self, order: str) -> Callable[[KnownCertificate], tuple[Any, ...]]:
        first: dict[str, Callable[[KnownCertificate], Any]] = {
            "name": lambda known: known.title,
            "status": lambda known: WORST_FIRST.index(self.report(known).status),
            "issuer": lambda known: known.issuer,
            "validUntil": lambda known: known.not_after,
        }
        key = first.get(order, first["name"])
        return lambda known: (key(known), known.title, known.name)


def _identity(certificate: Certificate) -> str:
    """Return the name under which the store has what comes next for a certificate of a resolver."""
    main, *sans = certificate.names or ("",)
    return certificate_id(certificate.resolver, TlsDomain(main, tuple(sans)))


@cache
def _x509_reader() -> ReadX509:
    """Import the reader of X.509 in a thread: the library behind it is large, and takes up to 0.2 s."""

    def load() -> ReadX509:
        from proxy.admin.certificates.x509_reader import read_x509  # noqa: PLC0415

        return read_x509

    # Typed Any, because gevent has no types for it.
    pool: Any = get_hub().threadpool
    reader: ReadX509 = pool.apply(load)
    return reader
