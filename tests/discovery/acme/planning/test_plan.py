"""Tests of plans: the orders and questions that are due, and the time of the next ones."""

import math

import pytest

from discovery.acme.planning.plan import HeldCertificate, Plan, make_plan
from discovery.acme.planning.wanted import WantedCertificate
from rondpoint.store.acme import AcmeState, certificate_id
from rondpoint.tls.model import TlsDomain

NOW = 1000.0
DOMAIN = TlsDomain("a.test")
ID = certificate_id("le", DOMAIN)
ASKED = AcmeState("le", DOMAIN, ask_at=9e9)


def held(*names: str, since: float, until: float, identity: str = ID) -> HeldCertificate:
    return HeldCertificate(identity, "le", names or ("a.test",), since, until)


def plan(
    *certificates: HeldCertificate,
    state: AcmeState = ASKED,
    pause: float = 0.0,
    busy: tuple[str, ...] = (),
    domain: TlsDomain = DOMAIN,
) -> Plan:
    return make_plan(
        [WantedCertificate("le", domain, "router a@file")],
        {each.id: each for each in certificates},
        {ID: state},
        {"le": pause},
        busy,
        NOW,
    )


FRESH = held(since=NOW, until=NOW + 900)
OLD = held(since=0, until=NOW + 100)
GONE = held(since=0, until=NOW - 1)


@pytest.mark.parametrize(
    ("result", "due", "again_at"),
    [
        (plan(), True, math.inf),
        (plan(busy=(ID,)), False, math.inf),
        (plan(pause=2000.0), False, 2000),
        (plan(state=AcmeState("le", DOMAIN, next_attempt=1500.0, ask_at=9e9)), False, 1500),
        (plan(state=AcmeState("le", DOMAIN, next_attempt=900.0, ask_at=9e9)), True, math.inf),
        (plan(OLD), True, 9e9),
        (plan(GONE), True, 9e9),
        (plan(OLD, state=AcmeState("le", DOMAIN, next_attempt=1500.0, ask_at=9e9)), False, 1500),
        # The CA's own time of renewal replaces the third of the life, in both directions.
        (plan(OLD, state=AcmeState("le", DOMAIN, renew_at=1050.0, ask_at=9e9)), False, 1050),
        (plan(FRESH, state=AcmeState("le", DOMAIN, renew_at=990.0, ask_at=9e9)), True, 9e9),
        (plan(FRESH, state=AcmeState("le", DOMAIN, renew_at=1200.0, ask_at=1100.0)), False, 1100),
        # Another certificate that covers the names will do, until it is due itself.
        (plan(held("*.test", since=NOW, until=NOW + 900, identity="other")), False, None),
        (plan(held("*.test", since=0, until=NOW + 100, identity="other")), True, math.inf),
        (plan(held("b.test", since=NOW, until=NOW + 900, identity="other")), True, math.inf),
        (
            plan(
                held("a.test", since=NOW, until=NOW + 900, identity="other"),
                domain=TlsDomain("a.test", ("b.test",)),
            ),
            True,
            math.inf,
        ),
    ],
)
def test_orders_are_due_when_nothing_holds_them(result: Plan, due: bool, again_at: float | None) -> None:
    assert bool(result.orders) == due
    if again_at is None:
        # Two thirds of its life, less the jitter.
        assert NOW + 900 * 0.63 < result.again_at < NOW + 900 * 0.67
    elif not due or again_at is math.inf:
        assert result.again_at == again_at


def test_a_certificate_is_replaced_by_name_and_asked_about() -> None:
    result = plan(OLD, state=AcmeState("le", DOMAIN))
    assert [order.replaces for order in result.orders] == [ID]
    assert not result.questions
    result = plan(FRESH, state=AcmeState("le", DOMAIN))
    assert [each.id for each in result.questions] == [ID]
    assert not plan(FRESH, state=AcmeState("le", DOMAIN), pause=2000.0).questions
    assert not plan(FRESH, state=AcmeState("le", DOMAIN), busy=(ID,)).questions


def test_missing_certificates_come_before_those_that_end_later() -> None:
    domains = [TlsDomain(f"{name}.test") for name in ("late", "soon", "missing")]
    wanted = [WantedCertificate("le", domain, "") for domain in domains]
    ids = [each.id for each in wanted]
    certificates = {
        ids[0]: HeldCertificate(ids[0], "le", ("late.test",), 0, NOW + 200),
        ids[1]: HeldCertificate(ids[1], "le", ("soon.test",), 0, NOW + 100),
    }
    result = make_plan(wanted, certificates, {}, {}, (), NOW)
    assert [order.wanted.domain.main for order in result.orders] == ["missing.test", "soon.test", "late.test"]
