"""The TLS contexts of all entry points of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from proxy.tls.default_certificate import default_certificate
from proxy.tls.server_contexts import ServerContexts
from rondpoint.settings.tree.entry_points import Tls

if TYPE_CHECKING:
    from proxy.tls.ticket_rotation import TicketRotation
    from rondpoint.store.workers import CertificateStatus


class WorkerContexts:
    """Opens contexts, and keeps their session tickets in `rotation`.

    `certificates` has the status of each certificate.
    """

    def __init__(self, rotation: TicketRotation) -> None:
        self.certificates: set[CertificateStatus] = set()
        self._rotation = rotation
        self._default: ServerContexts | None = None

    def open(self, tls: Tls) -> ServerContexts:
        """Return new contexts for an entry point with these settings. Raises CertificateError."""
        contexts = ServerContexts(tls)
        for context in contexts.all():
            self._rotation.add(context)
        self.certificates.update(each.status for each in contexts.contents)
        return contexts

    def default(self) -> ServerContexts:
        """Return the contexts for TLS on entry points without `tls`, made for the first such connection."""
        if self._default is None:
            # In a thread, because the import of the library behind it takes up to 0.2 s.
            gevent.get_hub().threadpool.apply(default_certificate)
        if self._default is None:
            self._default = self.open(Tls())
        return self._default
