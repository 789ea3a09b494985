"""One order, or one round of questions about renewals, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from cryptography import x509

from discovery.acme.managing.outcomes import Answers, Outcome
from discovery.acme.managing.patient_store import PatientStore
from discovery.acme.managing.resolver_options import ca_options, certificate_options
from discovery.acme.managing.responders import responders_of
from discovery.acme.orders.account import AccountConnection
from discovery.acme.orders.ca_connection import CaConnection, RefusedError
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure
from discovery.acme.orders.order import OrderRequest, PendingOrder, obtain
from discovery.acme.orders.renewal_info import renewal_identifier, renewal_info
from discovery.acme.orders.renewal_window import RenewalInfo
from discovery.acme.planning.wanted import WantedCertificate
from discovery.acme.store import AcmeStore
from rondpoint.settings.tree.certificates_resolvers import ResolverOptions
from rondpoint.store.acme import AcmeAccount, AcmeCertificate, AcmeOrder, AcmeState
from rondpoint.store.sealing import Sealer

logger = logging.getLogger(__name__)


class OrderJob:
    """Obtains one certificate, and stores it before it reports it.

    `previous` is the certificate that it renews. The job ends early once `stop` is set; the order stays in
    the store, and the next leader continues it.
    """

    def __init__(
        self,
        wanted: WantedCertificate,
        options: ResolverOptions,
        account: AcmeAccount,
        pending: AcmeOrder | None,
        previous: AcmeCertificate | None,
        store: AcmeStore,
        sealer: Sealer,
        stop: threading.Event,
    ) -> None:
        self._wanted = wanted
        self._options = options
        self._account = account
        self._pending = pending
        self._previous = previous
        self._store = PatientStore(store, stop)
        self._sealer = sealer
        self._stop = stop

    def run(self) -> Outcome:
        """Order, and return what became of it."""
        wanted, options = self._wanted, self._options
        names = wanted.domain.names
        logger.info("ordering a certificate for %s by %s", ", ".join(names), wanted.resolver)
        try:
            connection = AccountConnection(ca_options(options), self._account, self._save_account, self._stop)
            request = OrderRequest(names, certificate_options(options), self._replaced())
            responders = responders_of(options, self._store, self._sealer, self._stop)
            before = self._pending
            pending = PendingOrder(before.url, before.domain.names, before.key) if before else None
            issued = obtain(connection, request, responders, pending, self._save_order)
            certificate = AcmeCertificate(
                wanted.resolver, wanted.domain, issued.chain, issued.key, time.time()
            )
            self._save_certificate(certificate)
        except OrderError as error:
            return self._failed(error.failure)
        logger.info("obtained a certificate for %s", ", ".join(names))
        return Outcome(wanted, self._account, certificate)

    def failed_unexpectedly(self) -> Outcome:
        """Return the outcome of a job that ended by an error of Rondpoint's own."""
        return self._failed(
            OrderFailure(FailureKind.CHALLENGE, "an unexpected error occurred", "the agent's log has more")
        )

    def _failed(self, failure: OrderFailure) -> Outcome:
        if failure.kind in (FailureKind.NAMES, FailureKind.REFUSED):
            # The CA has given up the order, or will do so.
            self._pending = None
        return Outcome(self._wanted, self._account, None, failure, self._pending)

    def _replaced(self) -> str:
        if self._previous is None or self._previous.resolver != self._wanted.resolver:
            return ""
        return renewal_identifier(_leaf(self._previous))

    def _save_account(self, account: AcmeAccount) -> None:
        self._account = account
        self._store.write(lambda store: store.write(accounts={self._wanted.resolver: account}))

    def _save_order(self, pending: PendingOrder) -> None:
        wanted = self._wanted
        order = AcmeOrder(wanted.resolver, wanted.domain, pending.url, pending.key, time.time())
        self._pending = order
        self._store.write(lambda store: store.write(orders={wanted.id: order}))

    def _save_certificate(self, certificate: AcmeCertificate) -> None:
        identity = self._wanted.id
        state = AcmeState(certificate.resolver, certificate.domain)
        self._store.write(
            lambda store: store.write(
                certificates={identity: certificate}, orders={identity: None}, states={identity: state}
            )
        )


class QuestionsJob:
    """Asks the CA of a resolver when it wants certificates, by id, to be renewed."""

    def __init__(
        self,
        resolver: str,
        options: ResolverOptions,
        account: AcmeAccount,
        certificates: Mapping[str, AcmeCertificate],
        stop: threading.Event,
    ) -> None:
        self._resolver = resolver
        self._options = options
        self._account = account
        self._certificates = certificates
        self._stop = stop
        self._infos: dict[str, RenewalInfo | None] = {}

    def run(self) -> Answers:
        """Ask, and return the answers as far as there are any."""
        try:
            ca = CaConnection(ca_options(self._options), self._account.key, self._stop)
            for identity, certificate in self._certificates.items():
                try:
                    self._infos[identity] = renewal_info(ca, _leaf(certificate))
                except RefusedError as error:
                    logger.debug("the authority does not know %r: %s", certificate, error)
                    self._infos[identity] = None
        except OrderError as order_error:
            logger.debug(
                "the authority of %s cannot be asked about renewals: %s", self._resolver, order_error
            )
        return self.failed_unexpectedly()

    def failed_unexpectedly(self) -> Answers:
        """Return the answers so far."""
        return Answers(self._resolver, tuple(self._certificates), self._infos)


def _leaf(certificate: AcmeCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificates(certificate.chain.encode())[0]
