"""Slow start: new and returning servers get their share of requests gradually."""

from collections import Counter
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from proxy.balancing import server_arrivals
from proxy.upstream.endpoint import MINIMUM_WARMTH, address_of
from rondpoint.model import ServerState, Service, Strategy
from tests.proxy.balancing.serving import ServiceUnderTest, built, servers

A, B, C = servers(1, 1, 1)
SECONDS = 30.0
MANY = 6_000
STRATEGIES: tuple[Strategy, ...] = ("wrr", "drr", "p2c", "leastconn", "leasttime", "hrw")


class Clock:
    """The clock of all modules that use slow start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        for module in (
            "server_arrivals",
            "balanced_service",
            "round_robin",
            "least_load",
            "rendezvous_hashing",
        ):
            monkeypatch.setattr(f"proxy.balancing.{module}.monotonic", self)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def shares(service: ServiceUnderTest) -> dict[str, float]:
    peers = (f"10.0.{number >> 8}.{number & 255}" for number in range(MANY))
    return {name: count / MANY for name, count in Counter(service.name(peer) for peer in peers).items()}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_server_that_joins_others_grows_to_its_share(strategy: Strategy, clock: Clock) -> None:
    with built(Service("s", (A, B), strategy=strategy, slow_start=SECONDS)) as service:
        assert shares(service)["s0"] == pytest.approx(0.5, abs=0.03)
        service.services.put(Service("s", (A, B, C), strategy=strategy, slow_start=SECONDS))
        for age, fraction in ((0, MINIMUM_WARMTH), (1, MINIMUM_WARMTH), (6, 0.2), (15, 0.5), (24, 0.8)):
            clock.now = 1_000_000.0 + age
            found = shares(service)
            expected = fraction / (2 + fraction)
            if strategy == "p2c":
                # Without active requests all loads are equal, and the draw alone decides.
                assert found["s2"] == pytest.approx(expected, abs=0.05)
            else:
                assert found["s2"] == pytest.approx(expected, abs=0.03)
            assert found["s0"] == pytest.approx(found["s1"], abs=0.05)
        clock.now += SECONDS
        assert shares(service)["s2"] == pytest.approx(1 / 3, abs=0.03)


def test_round_robin_is_plain_again_after_the_slow_start(clock: Clock) -> None:
    with built(Service("s", (A, B), slow_start=SECONDS)) as service:
        assert service.served.choose is None
        service.services.put(Service("s", (A, B, C), slow_start=SECONDS))
        assert service.served.choose is not None
        service.name()
        assert service.served.choose is not None
        clock.now += SECONDS
        service.name()
        assert service.served.choose is None
        assert service.served.all_unavailable is False


def test_a_slow_start_does_not_restart_when_another_server_changes(clock: Clock) -> None:
    with built(Service("s", (A, B), slow_start=SECONDS)) as service:
        service.services.put(Service("s", (A, B, C), slow_start=SECONDS))
        clock.now += SECONDS / 2
        service.services.put(Service("s", (A, C), slow_start=SECONDS))
        assert service.target("s2").warmth(clock.now) == pytest.approx(0.5)
        assert service.target("s0").warmth(clock.now) == 1.0


def test_the_servers_of_a_new_service_have_their_share_at_once(clock: Clock) -> None:
    with built(Service("s", (A, B), slow_start=SECONDS)) as service:
        assert service.served.choose is None
        service.services.put(Service("s", (), slow_start=SECONDS))
        service.services.put(Service("s", (A, B), slow_start=SECONDS))
        assert service.served.choose is None


def test_a_server_that_was_draining_or_ejected_starts_slowly_again(clock: Clock) -> None:
    draining = replace(B, state=ServerState.DRAINING)
    with built(Service("s", (A, draining), slow_start=SECONDS)) as service:
        service.services.put(Service("s", (A, B), slow_start=SECONDS))
        assert service.target("s1").warmth(clock.now) == MINIMUM_WARMTH
        clock.now += SECONDS
        assert service.target("s1").warmth(clock.now) == 1.0
        service.services.set_ejected(address_of(A), ejected=True)
        assert service.target("s0").warmth(clock.now) == 1.0
        service.services.set_ejected(address_of(A), ejected=False)
        assert service.target("s0").warmth(clock.now) == MINIMUM_WARMTH
        assert shares(service)["s0"] == pytest.approx(MINIMUM_WARMTH / (1 + MINIMUM_WARMTH), abs=0.02)


def leave_after_joining(service: ServiceUnderTest) -> None:
    service.services.put(Service("s", (A, B), slow_start=SECONDS))
    service.services.put(Service("s", (A,), slow_start=SECONDS))


def leave_while_ejected(service: ServiceUnderTest) -> None:
    services, ejected = service.services, address_of(B)
    services.on_address_removed = lambda address: services.set_ejected(address, ejected=False)
    services.put(Service("other", (B,)))
    assert services.get("other") is not None
    services.set_ejected(ejected, ejected=True)
    services.remove("other")


@pytest.mark.parametrize("leave", [leave_after_joining, leave_while_ejected])
def test_an_address_that_has_left_does_not_start_slowly_in_a_new_service(
    clock: Clock, leave: Callable[[ServiceUnderTest], None]
) -> None:
    with built(Service("s", (A,), slow_start=SECONDS)) as service:
        assert service.served.choose is None
        leave(service)
        service.services.put(Service("new", (B, C), slow_start=SECONDS))
        served = service.services.get("new")
        assert served is not None
        assert {target.warmth(clock.now) for target in served.targets} == {1.0}
        service.services.remove("new")


def test_without_the_option_there_is_no_slow_start(clock: Clock) -> None:
    with built(Service("s", (A, B))) as service:
        service.services.put(Service("s", (A, B, C)))
        service.services.set_ejected(address_of(A), ejected=True)
        service.services.set_ejected(address_of(A), ejected=False)
        assert service.served.choose is None


def test_arrivals_are_forgotten_after_the_longest_slow_start(clock: Clock) -> None:
    arrivals = server_arrivals.ServerArrivals()
    arrivals.record(address_of(A))
    clock.now += server_arrivals.MAX_SLOW_START + 1
    arrivals.record(address_of(B))
    assert arrivals.arrived_at(address_of(A)) is None
    assert arrivals.arrived_at(address_of(B)) == clock.now


def test_all_workers_choose_the_same_servers(clock: Clock) -> None:
    before, after = (Service("s", available, slow_start=SECONDS) for available in ((A, B), (A, B, C)))
    with built(before) as one, built(before) as other:
        for worker in (one, other):
            worker.services.put(after)
        clock.now += 10
        assert [one.name() for _ in range(300)] == [other.name() for _ in range(300)]
