"""What the leader knows about certificates: the contents of the store, and what is not stored yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import structs

from discovery.acme.managing.outcomes import Answers, Outcome
from discovery.acme.orders.failures import FailureKind
from discovery.acme.planning.schedule import ASK_LATER, retry_delay, time_in_window
from discovery.acme.planning.wanted import WantedCertificate
from discovery.acme.store import AcmeContents, AcmeStore
from rondpoint.store.acme import AcmeAccount, AcmeCertificate, AcmeOrder, AcmeState

ASK_AFTER_FAILURE = 3600.0
"""Seconds until a CA is asked about renewals again after it did not respond."""

KEEP = 7 * 24 * 3600.0
"""Seconds for which expired certificates and unfinished orders stay that nothing wants any more."""

_OF_THE_NAMES = frozenset({FailureKind.NAMES, FailureKind.REFUSED, FailureKind.CHALLENGE})


class Memory:
    """Accounts by resolver, all else by id; changes are kept until `save` has stored them."""

    def __init__(self) -> None:
        self.accounts: dict[str, AcmeAccount] = {}
        self.certificates: dict[str, AcmeCertificate] = {}
        self.orders: dict[str, AcmeOrder] = {}
        self.states: dict[str, AcmeState] = {}
        self.unreadable: frozenset[str] = frozenset()
        self._unsaved_orders: dict[str, AcmeOrder | None] = {}
        self._unsaved_states: dict[str, AcmeState | None] = {}
        self._unsaved_certificates: dict[str, AcmeCertificate | None] = {}

    @property
    def contents(self) -> AcmeContents:
        """Everything, as the store holds it."""
        return AcmeContents(
            dict(self.accounts),
            dict(self.certificates),
            dict(self.orders),
            dict(self.states),
            self.unreadable,
        )

    def load(self, stored: AcmeContents, store: AcmeStore, *, led_before: bool) -> None:
        """Replace everything by the contents of the store, and give back what the store has lost.

        Orders under way are given back only if this agent has led all the time; otherwise another leader may
        have finished them. Raises what AcmeStore raises, and then nothing changes.
        """
        accounts = {
            name: each
            for name, each in self.accounts.items()
            if name not in stored.accounts and name not in stored.unreadable
        }
        certificates = {
            identity: each
            for identity, each in self.certificates.items()
            if identity not in stored.unreadable
            and each.obtained_at > _obtained_at(stored.certificates.get(identity))
        }
        orders = {
            identity: each
            for identity, each in self.orders.items()
            if led_before and identity not in stored.orders and identity not in stored.certificates
        }
        states = {name: each for name, each in self.states.items() if name not in stored.states}
        if accounts or certificates or orders or states:
            store.write(accounts=accounts, certificates=certificates, orders=orders, states=states)
        self.accounts = {**stored.accounts, **accounts}
        self.certificates = {**stored.certificates, **certificates}
        self.orders = {**stored.orders, **orders}
        self.states = {
            name: structs.replace(each, ordering=False) for name, each in {**stored.states, **states}.items()
        }
        self.unreadable = stored.unreadable
        self._clear_unsaved()

    def save(self, store: AcmeStore) -> None:
        """Store what has changed. Raises what AcmeStore raises, and then it is stored at the next call."""
        if self._unsaved_orders or self._unsaved_states or self._unsaved_certificates:
            store.write(
                certificates=self._unsaved_certificates,
                orders=self._unsaved_orders,
                states=self._unsaved_states,
            )
            self._clear_unsaved()

    def _clear_unsaved(self) -> None:
        # New ones, because the store may have kept the old ones.
        self._unsaved_orders, self._unsaved_states, self._unsaved_certificates = {}, {}, {}

    def queue(self, wanted: WantedCertificate) -> None:
        """Record that a certificate is to be ordered, so that people see it."""
        self._set_state(self._state(wanted), wanted.id)

    def begin(self, wanted: WantedCertificate) -> None:
        """Record that an order is under way."""
        self._set_state(structs.replace(self._state(wanted), ordering=True), wanted.id)

    def finish(self, outcome: Outcome, now: float) -> None:
        """Record what became of an order; its certificate is stored already."""
        wanted, failure = outcome.wanted, outcome.failure
        self.accounts[wanted.resolver] = outcome.account
        if outcome.certificate is not None:
            self.certificates[wanted.id] = outcome.certificate
            self.orders.pop(wanted.id, None)
            self._set_state(AcmeState(wanted.resolver, wanted.domain), wanted.id)
            return
        if outcome.pending is not None:
            self.orders[wanted.id] = outcome.pending
        elif self.orders.pop(wanted.id, None) is not None or failure is not None:
            self._unsaved_orders[wanted.id] = None
        before = self._state(wanted)
        if failure is None or failure.kind is FailureKind.INTERRUPTED:
            self._set_state(structs.replace(before, ordering=False), wanted.id)
            return
        failures, next_attempt = before.failures, failure.not_before
        if failure.kind in _OF_THE_NAMES:
            failures += 1
            next_attempt = max(now + retry_delay(failures, wanted.id), next_attempt)
        elif failure.kind in (FailureKind.UNREACHABLE, FailureKind.ACCOUNT):
            # The pause of the CA decides.
            next_attempt = 0.0
        state = structs.replace(
            before,
            next_attempt=next_attempt,
            failures=failures,
            failed_at=now,
            error=failure.message,
            hint=failure.hint,
            ordering=False,
        )
        self._set_state(state, wanted.id)

    def answer(self, answers: Answers, now: float) -> None:
        """Record what a CA said about renewals."""
        for identity in answers.ids:
            certificate = self.certificates.get(identity)
            if certificate is None:
                continue
            before = self.states.get(identity, AcmeState(certificate.resolver, certificate.domain))
            if identity not in answers.infos:
                state = structs.replace(before, ask_at=now + ASK_AFTER_FAILURE)
            elif (info := answers.infos[identity]) is None:
                state = structs.replace(before, ask_at=now + ASK_LATER, renew_at=0.0, explanation="")
            else:
                renew_at = time_in_window(info.start, info.end, identity)
                state = structs.replace(
                    before, renew_at=renew_at, ask_at=info.ask_again, explanation=info.explanation
                )
            self._set_state(state, identity)

    def forget(self, wanted: Iterable[WantedCertificate], ends: Mapping[str, float], now: float) -> bool:
        """Drop what nothing wants any more, and return whether certificates are among it.

        States of failed orders go at once, certificates some days after their end (`ends`, by id), and
        orders when the CA has forgotten them.
        """
        ids = {each.id for each in wanted}
        outdated = [each for each, end in ends.items() if each not in ids and end + KEEP < now]
        for identity in outdated:
            del self.certificates[identity]
            self._unsaved_certificates[identity] = None
        for identity in [each for each in self.states if each not in ids and each not in self.certificates]:
            del self.states[identity]
            self._unsaved_states[identity] = None
        for identity, order in list(self.orders.items()):
            if identity not in ids and order.began_at + KEEP < now:
                del self.orders[identity]
                self._unsaved_orders[identity] = None
        return bool(outdated)

    def _state(self, wanted: WantedCertificate) -> AcmeState:
        return self.states.get(wanted.id, AcmeState(wanted.resolver, wanted.domain))

    def _set_state(self, state: AcmeState, identity: str) -> None:
        if self.states.get(identity) != state:
            self.states[identity] = state
            self._unsaved_states[identity] = state


def _obtained_at(certificate: AcmeCertificate | None) -> float:
    return -1.0 if certificate is None else certificate.obtained_at
