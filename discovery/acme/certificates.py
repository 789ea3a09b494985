"""Certificates by ACME as the publication loop sees them: what the configuration wants, what it gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import structs

from discovery.acme.managing.published import SUFFIX, View, default_certificate
from discovery.acme.planning.wanted import WantedCertificates
from discovery.acme.store import AcmeStore
from rondpoint.configuration import Configuration
from rondpoint.settings.tree.certificates_resolvers import ResolverOptions
from rondpoint.store.sealing import Sealer
from rondpoint.store.state import State

if TYPE_CHECKING:
    from discovery.acme.managing.manager import Manager


class AcmeCertificates:
    """Obtains the certificates of these resolvers while the agent leads.

    When the certificates change, `version` grows and `on_change` is called. `wake_up` ends the wait of `run`.
    All methods but `run` are for the one thread that publishes.
    """

    def __init__(
        self,
        resolvers: Mapping[str, ResolverOptions],
        make_store: Callable[[], AcmeStore],
        sealer: Sealer,
        lease: Callable[[], str],
        on_change: Callable[[], None],
    ) -> None:
        self.version = 0
        self._lease = lease
        self._on_change = on_change
        self._finder = WantedCertificates(resolvers)
        self.wake_up = threading.Event()
        self._manager: Manager | None = None
        if resolvers:
            # Imported only now: an agent without resolvers does without the large libraries behind it.
            from discovery.acme.managing.manager import Manager  # noqa: PLC0415

            self._manager = Manager(resolvers, make_store, sealer, lease, self._show, self.wake_up)
        self._restored = View()
        self._view: View | None = None

    def run(self, stop: threading.Event) -> None:
        """Obtain and renew until `stop` and then `wake_up` are set."""
        if self._manager is not None:
            self._manager.run(stop)

    def restore(self, state: State | None) -> None:
        """Go on publishing the certificates that the last leader published, until the store has been read."""
        if state is not None:
            certificates = {
                name: each
                for name, each in state.certificates.items()
                if name.endswith(SUFFIX) and not each.default
            }
            self._restored = View(certificates)
        self.wake_up.set()

    def store_again(self) -> None:
        """Give back to the store what it has lost."""
        if self._manager is not None:
            self._manager.store_again()

    def suspend(self) -> None:
        """Leave everything to the agent that leads now."""
        if self._view is not None:
            self._view = None
            self.wake_up.set()

    def apply(self, configuration: Configuration) -> Configuration:
        """Obtain what this configuration wants; return it with the certificates and diagnostics so far."""
        wanted, diagnostics = self._finder.find(configuration, time.time())
        if self._manager is not None:
            self._manager.want(wanted)
        view = self._restored if self._view is None else self._view
        if not (view.certificates or view.diagnostics or diagnostics or configuration.default_certificate):
            return configuration
        certificates = {**configuration.certificates, **view.certificates}
        if configuration.default_certificate is not None:
            certificates |= default_certificate(configuration.default_certificate, certificates.values())
        return structs.replace(
            configuration,
            certificates=certificates,
            diagnostics=(*configuration.diagnostics, *diagnostics, *view.diagnostics),
        )

    def _show(self, view: View) -> None:
        if not self._lease():
            # The agent has lost the lease meanwhile, and gets another view once it leads again.
            return
        self._view = view
        self.version += 1
        self._on_change()
