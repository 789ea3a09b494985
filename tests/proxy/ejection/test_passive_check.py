"""Passive health checks: which requests count as failed, and when a server is ejected from its service."""

from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from proxy.ejection import passive_check
from proxy.ejection.ejections import Ejections
from proxy.ejection.passive_check import record_outcome
from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.upstream.endpoint import Target
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import HealthCheck, PassiveHealthCheck, Server, Service
from rondpoint.store.ejections import EjectionNotice

A, B = Server("a", "127.0.0.1", 1), Server("b", "127.0.0.1", 2)
CHECK = PassiveHealthCheck(failure_window=10.0, max_failed_attempts=3)


class Checked:
    """A service `s` with a passive health check, and a service `other` with the same servers without one."""

    def __init__(self) -> None:
        self.services = ServiceRegistry(Sweeper(), UpstreamTimeouts())
        self.ejections = Ejections(self.services, "me")
        self.service = Service("s", (A, B), passive_health_check=CHECK)
        self.put()
        self.services.put(Service("other", (A, B)))

    def put(self, **options: Any) -> None:
        self.service = Service("s", (A, B), **{"passive_health_check": CHECK} | options)
        self.services.put(self.service)

    def target(self, service: str = "s") -> Target:
        served = self.services.get(service)
        assert served is not None
        return served.targets[0]

    def record(self, *statuses: int) -> None:
        for status in statuses:
            record_outcome(self.ejections, self.service, self.target(), status)

    def unavailable(self, service: str = "s") -> bool:
        return self.target(service).unavailable


@pytest.fixture
def checked() -> Iterator[Checked]:
    made = Checked()
    yield made
    for name in list(made.services.by_name):
        made.services.remove(name)
    assert made.ejections.ejected == {}


@pytest.mark.parametrize(
    ("statuses", "ejected"),
    [
        ((500, 503, 599), True),
        ((0, 0, 0), True),
        ((502, 0, 500), True),
        ((500, 500), False),
        ((500, 500, 200, 500, 500), False),
        ((500, 500, 404, 500), False),
        ((500, 101, 500, 500), False),
        ((500, 200, 500, 500, 500), True),
    ],
)
def test_failed_requests_in_a_row_eject_the_server(
    checked: Checked, statuses: tuple[int, ...], ejected: bool
) -> None:
    checked.record(*statuses)
    assert checked.unavailable() is ejected


def test_only_failures_within_the_window_count(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(passive_check, "monotonic", lambda: now)
    checked.record(500, 500)
    now += CHECK.failure_window + 1
    checked.record(500, 500)
    assert not checked.unavailable()
    checked.record(500)
    assert checked.unavailable()


def test_a_service_without_the_check_ejects_nobody(checked: Checked) -> None:
    checked.put(passive_health_check=None)
    checked.record(500, 500, 500, 500)
    assert not checked.unavailable()


def test_the_server_is_ejected_from_this_service_alone_and_also_when_it_is_defined_anew(
    checked: Checked,
) -> None:
    checked.record(500, 500, 500)
    assert checked.ejections.ejected == {
        "http://127.0.0.1:1 s": ("me", "3 failed requests in a row, the last with status 500")
    }
    checked.put(pass_host_header=False)
    assert checked.unavailable()
    assert not checked.unavailable("other")
    checked.services.remove("other")
    checked.services.put(Service("other", (A,)))
    assert not checked.unavailable("other")


@pytest.mark.parametrize(
    "options",
    [
        {"passive_health_check": PassiveHealthCheck(0.1)},
        {"passive_health_check": PassiveHealthCheck(600.0), "health_check": HealthCheck(interval=0.1)},
    ],
)
def test_the_server_is_back_after_the_window_or_the_interval_of_the_active_check(
    checked: Checked, options: dict[str, Any]
) -> None:
    checked.put(**options)
    checked.record(0)
    assert checked.unavailable()
    assert checked.ejections.count == 1
    with gevent.Timeout(60):
        while checked.unavailable():
            gevent.sleep(0.005)
    assert checked.ejections.ejected == {}


def test_an_ejection_from_another_worker_holds_for_its_service(checked: Checked) -> None:
    notice = EjectionNotice("http://127.0.0.1:1", "other", 6.0, "x", "s")
    checked.ejections.receive(notice)
    assert (checked.unavailable(), checked.unavailable("other")) == (True, False)
    checked.record(500, 500, 500)
    assert checked.ejections.count == 0, "the other worker ends the ejection"
    checked.ejections.receive(EjectionNotice("http://127.0.0.1:1", "other", service="s"))
    assert not checked.unavailable()


def test_a_server_that_is_unreachable_and_failing_stays_ejected_until_both_have_ended(
    checked: Checked,
) -> None:
    url = "http://127.0.0.1:1"
    for service in ("", "s"):
        checked.ejections.receive(EjectionNotice(url, "other", 6.0, "x", service))
    checked.ejections.receive(EjectionNotice(url, "other"))
    assert (checked.unavailable(), checked.unavailable("other")) == (True, False)
    checked.ejections.receive_all([])
    assert not checked.unavailable()
