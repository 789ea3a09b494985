"""What the threads that talk to CAs report to the manager."""

from __future__ import annotations

from msgspec import Struct

from discovery.acme.orders.failures import OrderFailure
from discovery.acme.orders.renewal_window import RenewalInfo
from discovery.acme.planning.wanted import WantedCertificate
from rondpoint.store.acme import AcmeAccount, AcmeCertificate, AcmeOrder


class Outcome(Struct, frozen=True):
    """What became of an order: a certificate, or a failure; `account` and `pending` as they are now."""

    wanted: WantedCertificate
    account: AcmeAccount
    certificate: AcmeCertificate | None = None
    failure: OrderFailure | None = None
    pending: AcmeOrder | None = None


class Answers(Struct, frozen=True):
    """What a CA said about renewals by id, None if it says nothing; ids without an answer got none."""

    resolver: str
    ids: tuple[str, ...]
    infos: dict[str, RenewalInfo | None]
