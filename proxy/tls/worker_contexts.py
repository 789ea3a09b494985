"""The certificates, TLS options and contexts of a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.tls.certificate_index import CertificateIndex
from proxy.tls.context_cache import ContextCache
from proxy.tls.entry_point_contexts import EntryPointContexts
from proxy.tls.options_registry import OptionsRegistry, refusal_of
from proxy.tls.own_certificates import NO_CERTIFICATES, read_own_certificates
from proxy.tls.own_options import own_options
from proxy.tls.unusable_certificates import UnusableCertificates

if TYPE_CHECKING:
    from proxy.tls.ticket_rotation import TicketRotation
    from rondpoint.settings.tree.entry_points import Tls
    from rondpoint.store.workers import CertificateStatus
    from rondpoint.tls.model import Certificate

log = logging.getLogger(__name__)


class PublishedCertificates:
    """The certificates of the configuration."""

    def __init__(self) -> None:
        self.index = CertificateIndex()
        self.unusable = UnusableCertificates()

    def put(self, certificate: Certificate) -> None:
        """Add or replace a certificate."""
        self.unusable.remove(certificate.name)
        self.index.put(certificate)

    def remove(self, name: str) -> None:
        """Remove a certificate; ignore an unknown name."""
        self.unusable.remove(name)
        self.index.remove(name)


class WorkerContexts:
    """Opens the contexts of entry points, and keeps their session tickets in `rotation`.

    `certificates` receives those of the configuration. `options` are the configuration's, too. `open_key`
    returns the key of a certificate as PEM text, or raises ValueError. `statuses` has the status of each
    certificate of the settings, and `by_entry_point` the contexts of each entry point.
    """

    def __init__(
        self, rotation: TicketRotation, options: OptionsRegistry, open_key: Callable[[str], str]
    ) -> None:
        self.certificates = PublishedCertificates()
        self._options = options
        self.statuses: set[CertificateStatus] = set()
        self.by_entry_point: dict[str, EntryPointContexts] = {}
        self._cache = ContextCache(open_key, rotation.add)

    def open(self, entry_point: str, tls: Tls | None, options_of: Callable[[str], str]) -> EntryPointContexts:
        """Return the contexts of an entry point with these settings. Raises CertificateError.

        `options_of` returns the name of the TLS options for a server name.
        """
        own = NO_CERTIFICATES if tls is None else read_own_certificates(tls.pairs)
        self.statuses.update(own.statuses)
        options = None if tls is None else own_options(tls)
        refusal = "" if options is None else refusal_of(options)
        if refusal:
            log.error(
                "entry point %s refuses connections, because its TLS is not served: %s", entry_point, refusal
            )
        contexts = self.by_entry_point[entry_point] = EntryPointContexts(
            entry_point,
            own.certificates,
            self.certificates.index,
            self._options,
            self._cache,
            self.certificates.unusable,
            options_of,
            options,
        )
        return contexts
