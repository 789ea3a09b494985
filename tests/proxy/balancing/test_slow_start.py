"""Servers that come to others, or come back, and get their share little by little."""

from collections import Counter

import pytest
from msgspec.structs import replace

from proxy.balancing import server_arrivals
from proxy.upstream.endpoint import MINIMUM_WARMTH, address_of
from rondpoint.model import ServerState, Service, Strategy
from tests.proxy.balancing.serving import Asked, asked, servers

A, B, C = servers(1, 1, 1)
SECONDS = 30.0
MANY = 6_000
FOLLOWING: tuple[Strategy, ...] = ("wrr", "drr", "p2c", "leastconn", "leasttime", "hrw")


class Clock:
    """Time as all that asks for it sees it."""

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


def shares(service: Asked) -> dict[str, float]:
    peers = (f"10.0.{number >> 8}.{number & 255}" for number in range(MANY))
    return {name: count / MANY for name, count in Counter(service.name(peer) for peer in peers).items()}


@pytest.mark.parametrize("strategy", FOLLOWING)
def test_a_server_that_comes_to_others_grows_into_its_share(strategy: Strategy, clock: Clock) -> None:
    with asked(Service("s", (A, B), strategy=strategy, slow_start=SECONDS)) as service:
        assert shares(service)["s0"] == pytest.approx(0.5, abs=0.03)
        service.services.put(Service("s", (A, B, C), strategy=strategy, slow_start=SECONDS))
        for age, part in ((0, MINIMUM_WARMTH), (1, MINIMUM_WARMTH), (6, 0.2), (15, 0.5), (24, 0.8)):
            clock.now = 1_000_000.0 + age
            found = shares(service)
            wanted = part / (2 + part)
            if strategy == "p2c":
                # For its weight it is never the less loaded before it has something to do: by lot alone.
                assert found["s2"] == pytest.approx(wanted, abs=0.05)
            else:
                assert found["s2"] == pytest.approx(wanted, abs=0.03)
            assert found["s0"] == pytest.approx(found["s1"], abs=0.05)
        clock.now += SECONDS
        assert shares(service)["s2"] == pytest.approx(1 / 3, abs=0.03)


def test_in_turn_is_plain_again_when_all_have_grown(clock: Clock) -> None:
    with asked(Service("s", (A, B), slow_start=SECONDS)) as service:
        assert service.served.choose is None
        service.services.put(Service("s", (A, B, C), slow_start=SECONDS))
        assert service.served.choose is not None
        service.name()
        assert service.served.choose is not None
        clock.now += SECONDS
        service.name()
        assert service.served.choose is None
        assert service.served.all_unavailable is False


def test_a_server_begins_once_and_not_again_when_a_neighbour_changes(clock: Clock) -> None:
    with asked(Service("s", (A, B), slow_start=SECONDS)) as service:
        service.services.put(Service("s", (A, B, C), slow_start=SECONDS))
        clock.now += SECONDS / 2
        service.services.put(Service("s", (A, C), slow_start=SECONDS))
        assert service.target("s2").warmth(clock.now) == pytest.approx(0.5)
        assert service.target("s0").warmth(clock.now) == 1.0


def test_those_of_a_new_service_begin_together_and_have_their_share_at_once(clock: Clock) -> None:
    with asked(Service("s", (A, B), slow_start=SECONDS)) as service:
        assert service.served.choose is None
        service.services.put(Service("s", (), slow_start=SECONDS))
        service.services.put(Service("s", (A, B), slow_start=SECONDS))
        assert service.served.choose is None


def test_one_that_was_draining_or_put_aside_begins_anew(clock: Clock) -> None:
    draining = replace(B, state=ServerState.DRAINING)
    with asked(Service("s", (A, draining), slow_start=SECONDS)) as service:
        service.services.put(Service("s", (A, B), slow_start=SECONDS))
        assert service.target("s1").warmth(clock.now) == MINIMUM_WARMTH
        clock.now += SECONDS
        assert service.target("s1").warmth(clock.now) == 1.0
        service.services.set_ejected(address_of(A), ejected=True)
        assert service.target("s0").warmth(clock.now) == 1.0
        service.services.set_ejected(address_of(A), ejected=False)
        assert service.target("s0").warmth(clock.now) == MINIMUM_WARMTH
        assert shares(service)["s0"] == pytest.approx(MINIMUM_WARMTH / (1 + MINIMUM_WARMTH), abs=0.02)


def test_without_the_option_nothing_is_slow(clock: Clock) -> None:
    with asked(Service("s", (A, B))) as service:
        service.services.put(Service("s", (A, B, C)))
        service.services.set_ejected(address_of(A), ejected=True)
        service.services.set_ejected(address_of(A), ejected=False)
        assert service.served.choose is None


def test_arrivals_are_forgotten_once_no_slow_start_can_last(clock: Clock) -> None:
    noted = server_arrivals.ServerArrivals()
    noted.note(address_of(A))
    clock.now += server_arrivals.LONGEST_SLOW_START + 1
    noted.note(address_of(B))
    assert noted.since(address_of(A)) is None
    assert noted.since(address_of(B)) == clock.now


def test_all_workers_draw_alike(clock: Clock) -> None:
    before, after = (Service("s", available, slow_start=SECONDS) for available in ((A, B), (A, B, C)))
    with asked(before) as one, asked(before) as other:
        for worker in (one, other):
            worker.services.put(after)
        clock.now += 10
        assert [one.name() for _ in range(300)] == [other.name() for _ in range(300)]
