"""Tests of the memory of the leader, and of its copy in the store."""

from typing import Any

import pytest

from discovery.acme.managing.ca_pauses import CaPauses
from discovery.acme.managing.memory import Memory
from discovery.acme.managing.outcomes import Answers, Outcome
from discovery.acme.orders.failures import FailureKind, OrderFailure
from discovery.acme.orders.renewal_window import RenewalInfo
from discovery.acme.planning.wanted import WantedCertificate
from discovery.acme.store import AcmeContents
from rondpoint.settings.tree.certificates_resolvers import ResolverOptions
from rondpoint.store.acme import AcmeAccount, AcmeCertificate, AcmeOrder, AcmeState
from rondpoint.tls.model import TlsDomain

NOW = 1000.0
DOMAIN = TlsDomain("a.test")
WANTED = WantedCertificate("le", DOMAIN, "router a@file")
ID = WANTED.id
ACCOUNT = AcmeAccount("https://ca.test", "key", "https://ca.test/1")
ORDER = AcmeOrder("le", DOMAIN, "https://ca.test/order", "key")
CERTIFICATE = AcmeCertificate("le", DOMAIN, "chain", "key", NOW)


class RecordingStore:
    """Records what is written; fails while `down` is set."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self.down = False

    def write(self, **changes: Any) -> None:
        if self.down:
            raise ConnectionError
        self.written.append({name: change for name, change in changes.items() if change})


def failed(kind: FailureKind, not_before: float = 0.0, pending: AcmeOrder | None = None) -> Outcome:
    failure = OrderFailure(kind, "it failed", "mend it", ("a.test",), not_before)
    return Outcome(WANTED, ACCOUNT, None, failure, pending)


@pytest.mark.parametrize(
    ("outcome", "failures", "earliest", "latest"),
    [
        (failed(FailureKind.NAMES), 1, 60, 75),
        (failed(FailureKind.REFUSED), 1, 60, 75),
        (failed(FailureKind.CHALLENGE), 1, 60, 75),
        (failed(FailureKind.NAMES, NOW + 500), 1, 500, 500),
        (failed(FailureKind.RATE_LIMITED, NOW + 500), 0, 500, 500),
        (failed(FailureKind.UNREACHABLE, NOW + 500), 0, -NOW, -NOW),
        (failed(FailureKind.ACCOUNT), 0, -NOW, -NOW),
    ],
)
def test_a_failure_becomes_a_state_with_the_next_attempt(
    outcome: Outcome, failures: int, earliest: float, latest: float
) -> None:
    memory, store = Memory(), RecordingStore()
    memory.begin(WANTED)
    assert memory.states[ID].ordering
    memory.finish(outcome, NOW)
    state = memory.states[ID]
    assert (state.failures, state.failed_at, state.error, state.hint) == (
        failures,
        NOW,
        "it failed",
        "mend it",
    )
    assert earliest <= state.next_attempt - NOW <= latest
    assert not state.ordering
    memory.save(store)  # type: ignore[arg-type]
    assert store.written == [{"orders": {ID: None}, "states": {ID: state}}]
    memory.save(store)  # type: ignore[arg-type]
    assert len(store.written) == 1


def test_failures_add_up_until_a_certificate_comes() -> None:
    memory = Memory()
    for _ in range(3):
        memory.finish(failed(FailureKind.NAMES), NOW)
    assert memory.states[ID].failures == 3
    assert memory.states[ID].next_attempt - NOW >= 60 * 16
    memory.finish(Outcome(WANTED, ACCOUNT, CERTIFICATE), NOW)
    assert memory.states[ID] == AcmeState("le", DOMAIN)
    assert memory.contents.certificates == {ID: CERTIFICATE}


def test_an_order_stays_pending_unless_the_ca_has_given_it_up() -> None:
    memory, store = Memory(), RecordingStore()
    memory.finish(failed(FailureKind.UNREACHABLE, pending=ORDER), NOW)
    assert memory.orders == {ID: ORDER}
    memory.save(store)  # type: ignore[arg-type]
    assert "orders" not in store.written[0]
    memory.finish(failed(FailureKind.NAMES), NOW)
    assert memory.orders == {}
    memory.save(store)  # type: ignore[arg-type]
    assert store.written[1]["orders"] == {ID: None}


def test_what_cannot_be_stored_is_stored_later() -> None:
    memory, store = Memory(), RecordingStore()
    memory.begin(WANTED)
    store.down = True
    with pytest.raises(ConnectionError):
        memory.save(store)  # type: ignore[arg-type]
    store.down = False
    memory.save(store)  # type: ignore[arg-type]
    assert store.written == [{"states": {ID: memory.states[ID]}}]


@pytest.mark.parametrize("led_before", [True, False])
def test_a_store_that_lost_its_data_gets_it_back(led_before: bool) -> None:
    memory, store = Memory(), RecordingStore()
    contents = AcmeContents(
        {"le": ACCOUNT}, {ID: CERTIFICATE}, {"other": ORDER}, {ID: AcmeState("le", DOMAIN)}
    )
    memory.load(contents, store, led_before=False)  # type: ignore[arg-type]
    assert store.written == []
    memory.load(AcmeContents(), store, led_before=led_before)  # type: ignore[arg-type]
    (written,) = store.written
    assert written["accounts"] == {"le": ACCOUNT}
    assert written["certificates"] == {ID: CERTIFICATE}
    # Another leader may have finished the order meanwhile.
    assert written.get("orders") == ({"other": ORDER} if led_before else None)


def test_a_newer_certificate_in_the_store_replaces_the_remembered_one() -> None:
    memory, store = Memory(), RecordingStore()
    memory.finish(Outcome(WANTED, ACCOUNT, CERTIFICATE), NOW)
    newer = AcmeCertificate("le", DOMAIN, "newer", "key", NOW + 1)
    other = AcmeAccount("https://ca.test", "other", "https://ca.test/2")
    memory.load(AcmeContents({"le": other}, {ID: newer}), store, led_before=True)  # type: ignore[arg-type]
    assert memory.certificates == {ID: newer}
    assert memory.accounts == {"le": other}
    unreadable = AcmeContents(unreadable=frozenset((ID, "le")))
    memory.load(unreadable, store, led_before=True)  # type: ignore[arg-type]
    assert (memory.certificates, memory.accounts) == ({}, {})


@pytest.mark.parametrize(
    ("infos", "renew_at", "ask_at"),
    [
        ({ID: RenewalInfo(2000.0, 2000.0, 1500.0, "https://ca.test/why")}, 2000.0, 1500.0),
        ({ID: None}, 0.0, NOW + 86400),
        ({}, 0.0, NOW + 3600),
    ],
)
def test_answers_about_renewals_become_times(
    infos: dict[str, RenewalInfo | None], renew_at: float, ask_at: float
) -> None:
    memory = Memory()
    memory.finish(Outcome(WANTED, ACCOUNT, CERTIFICATE), NOW)
    memory.answer(Answers("le", (ID, "gone"), infos), NOW)
    assert (memory.states[ID].renew_at, memory.states[ID].ask_at) == (renew_at, ask_at)
    assert list(memory.states) == [ID]


def test_a_certificate_that_waits_for_its_order_has_a_state() -> None:
    memory = Memory()
    memory.queue(WANTED)
    assert memory.states == {WANTED.id: AcmeState(WANTED.resolver, WANTED.domain)}
    memory.begin(WANTED)
    memory.queue(WANTED)
    assert memory.states[WANTED.id].ordering


@pytest.mark.parametrize(
    ("wanted", "days", "written"),
    [
        ([WANTED], 99, {}),
        ([], 6, {}),
        ([], 8, {"certificates": {ID: None}, "states": {ID: None}, "orders": {ID: None}}),
    ],
)
def test_what_nothing_wants_is_forgotten_some_days_after_its_end(
    wanted: list[WantedCertificate], days: int, written: dict[str, Any]
) -> None:
    memory, store = Memory(), RecordingStore()
    order = AcmeOrder("le", DOMAIN, "https://ca.test/order", "key", began_at=NOW)
    contents = AcmeContents({}, {ID: CERTIFICATE}, {ID: order}, {ID: AcmeState("le", DOMAIN)})
    memory.load(contents, store, led_before=False)  # type: ignore[arg-type]
    assert memory.forget(wanted, {ID: NOW}, NOW + days * 86400) == bool(written)
    memory.save(store)  # type: ignore[arg-type]
    assert store.written == ([written] if written else [])


def test_states_of_failed_orders_that_nothing_wants_are_forgotten_at_once() -> None:
    memory, store = Memory(), RecordingStore()
    memory.begin(WANTED)
    memory.save(store)  # type: ignore[arg-type]
    memory.forget([WANTED], {}, NOW)
    assert memory.states
    memory.forget([], {}, NOW)
    memory.save(store)  # type: ignore[arg-type]
    assert (memory.states, store.written[1]) == ({}, {"states": {ID: None}})


def test_resolvers_of_one_ca_share_its_pauses() -> None:
    one, other = (
        ResolverOptions(ca_server="https://one.test/"),
        ResolverOptions(ca_server="https://two.test/"),
    )
    pauses = CaPauses({"a": one, "b": one, "c": other})
    down = OrderFailure(FailureKind.UNREACHABLE, "")
    for now in (NOW, NOW + 1):
        # The second of two orders at once that fail by the same outage makes the pause no longer.
        pauses.failed("a", down, now)
        assert pauses.by_resolver() == {"a": NOW + 5, "b": NOW + 5, "c": 0.0}
    pauses.failed("b", down, NOW + 5)
    assert pauses.by_resolver()["a"] == NOW + 15
    pauses.succeeded("a")
    pauses.failed("b", down, NOW + 20)
    assert pauses.by_resolver()["a"] == NOW + 25
    pauses.failed("c", OrderFailure(FailureKind.RATE_LIMITED, "", not_before=NOW + 900), NOW)
    pauses.failed("c", OrderFailure(FailureKind.NAMES, "", not_before=NOW + 9999), NOW)
    assert pauses.by_resolver()["c"] == NOW + 900
    # A refused account is that of one resolver.
    for now in (NOW + 30, NOW + 31):
        pauses.failed("a", OrderFailure(FailureKind.ACCOUNT, ""), now)
        assert 60 <= pauses.by_resolver()["a"] - (NOW + 30) <= 75
    assert pauses.by_resolver()["b"] == NOW + 25
