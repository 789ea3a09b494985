"""Balancing strategies with weights, loads, clients, and servers that join and leave."""

from collections import Counter
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.upstream.endpoint import DECAY_SECONDS, address_of
from rondpoint.model import ServerState, Service, Strategy
from tests.proxy.balancing.serving import ServiceUnderTest, built, servers

STRATEGIES: tuple[Strategy, ...] = ("wrr", "drr", "p2c", "leastconn", "leasttime", "hrw")
MANY = 12_000

weight_lists = st.lists(st.integers(1, 6), min_size=2, max_size=6)


def addresses(count: int) -> list[str]:
    return [f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(count)]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (5, 3, 1, 1)])
def test_idle_servers_are_chosen_by_their_weights(strategy: Strategy, weights: tuple[int, ...]) -> None:
    with built(Service("s", servers(*weights), strategy=strategy)) as service:
        counts = Counter(service.name(peer) for peer in addresses(MANY))
    for number, weight in enumerate(weights):
        assert counts[f"s{number}"] / MANY == pytest.approx(weight / sum(weights), abs=0.02)


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(deadline=None)
@given(weights=st.lists(st.integers(0, 4), min_size=1, max_size=6), data=st.data())
def test_no_strategy_chooses_a_server_that_is_unavailable_or_has_no_weight(
    strategy: Strategy, weights: list[int], data: st.DataObject
) -> None:
    unavailable = data.draw(st.sets(st.integers(0, len(weights) - 1)))
    available = {
        f"s{number}" for number, weight in enumerate(weights) if weight and number not in unavailable
    }
    with built(Service("s", servers(*weights), strategy=strategy)) as service:
        for number in unavailable:
            service.services.set_ejected(address_of(servers(*weights)[number]), ejected=True)
        if not available:
            return
        assert {service.name(peer) for peer in addresses(20)} <= available


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_if_all_servers_are_unavailable_the_strategy_uses_all(strategy: Strategy) -> None:
    with built(Service("s", servers(1, 1, 1), strategy=strategy)) as service:
        for server in servers(1, 1, 1):
            service.services.set_ejected(address_of(server), ejected=True)
        assert {service.name(peer) for peer in addresses(100)} == {"s0", "s1", "s2"}


@settings(deadline=None)
@given(active=st.lists(st.integers(0, 50), min_size=2, max_size=2, unique=True))
def test_p2c_takes_the_less_loaded_of_two(active: list[int]) -> None:
    with built(Service("s", servers(1, 1), strategy="p2c")) as service:
        for number, count in enumerate(active):
            service.target(f"s{number}").endpoint.active = count
        expected = f"s{active.index(min(active))}"
        assert {service.name() for _ in range(20)} == {expected}


def test_p2c_never_takes_the_most_loaded_of_many() -> None:
    with built(Service("s", servers(1, 1, 1, 1, 1), strategy="p2c")) as service:
        for number in range(5):
            service.target(f"s{number}").endpoint.active = number
        counts = Counter(service.name() for _ in range(MANY))
    # Of the ten pairs, the servers are the less loaded one in 4, 3, 2, 1 and 0.
    for number in range(5):
        assert counts[f"s{number}"] / MANY == pytest.approx((4 - number) / 10, abs=0.02)


def test_p2c_finds_a_second_server_beside_one_with_nearly_all_the_weight() -> None:
    with built(Service("s", servers(100_000, 1), strategy="p2c")) as service:
        service.target("s0").endpoint.active = 1_000_000
        assert {service.name() for _ in range(50)} == {"s1"}


@settings(deadline=None)
@given(
    weights=weight_lists,
    active=st.lists(st.integers(0, 20), min_size=6, max_size=6),
)
def test_least_connections_takes_the_least_loaded_server_for_its_weight(
    weights: list[int], active: list[int]
) -> None:
    with built(Service("s", servers(*weights), strategy="leastconn")) as service:
        loads = {}
        for number, (weight, count) in enumerate(zip(weights, active, strict=False)):
            service.target(f"s{number}").endpoint.active = count
            loads[f"s{number}"] = count / weight
        assert loads[service.name()] == min(loads.values())


def observe(service: ServiceUnderTest, name: str, seconds: float) -> None:
    service.target(name).endpoint.observe(monotonic(), seconds)


def test_least_time_takes_the_fastest_server_until_it_is_busy() -> None:
    with built(Service("s", servers(1, 1), strategy="leasttime")) as service:
        observe(service, "s0", 0.010)
        observe(service, "s1", 0.045)
        assert {service.name() for _ in range(10)} == {"s0"}
        service.target("s0").endpoint.active = 4
        assert {service.name() for _ in range(10)} == {"s1"}


def test_least_time_tries_a_server_without_observations() -> None:
    with built(Service("s", servers(1, 1), strategy="leasttime")) as service:
        observe(service, "s0", 0.001)
        assert service.name() == "s1"


def test_least_time_avoids_a_server_that_never_responds() -> None:
    with built(Service("s", servers(1, 1), strategy="leasttime")) as service:
        observe(service, "s0", 0.010)
        other = service.target("s1").endpoint
        other.active = 1
        assert service.name() == "s0"
        other.active = 0
        other.fail(monotonic())
        assert service.name() == "s0"


def test_least_time_counts_weights() -> None:
    with built(Service("s", servers(1, 4), strategy="leasttime")) as service:
        observe(service, "s0", 0.010)
        observe(service, "s1", 0.030)
        assert service.name() == "s1"


def test_a_latency_follows_observations_and_fades_without_them() -> None:
    with built(Service("s", servers(1, 1))) as service:
        endpoint = service.target("s0").endpoint
        for step in range(100):
            endpoint.observe(1000.0 + step, 0.2)
        assert endpoint.latency(1100.0) == pytest.approx(0.2, rel=0.15)
        for step in range(100):
            endpoint.observe(1100.0 + step, 0.01)
        assert endpoint.latency(1200.0) == pytest.approx(0.01, rel=0.15)
        assert endpoint.latency(1200.0 + 3 * DECAY_SECONDS) < 0.001


@pytest.mark.parametrize(
    ("slower", "share"),
    [(1, 1 / 3), (2, 1 / 3), (4, 0.2), (1000, 0.05 / 2.05)],
)
def test_drr_gives_less_to_a_slower_server(slower: float, share: float) -> None:
    with built(Service("s", servers(1, 1, 1), strategy="drr")) as service:
        now = monotonic()
        for name, seconds in (("s0", 0.01), ("s1", 0.01), ("s2", 0.01 * slower)):
            service.target(name).endpoint.observe(now, seconds)
        counts = Counter(service.name() for _ in range(MANY))
    assert counts["s2"] / MANY == pytest.approx(share, abs=0.02)


def test_drr_gives_less_to_a_failing_server_until_it_responds_again() -> None:
    with built(Service("s", servers(1, 1), strategy="drr")) as service:
        endpoint = service.target("s1").endpoint
        now = monotonic()
        for step in range(100):
            endpoint.fail(now - 50 + step / 2)
        failure_rate = Counter(service.name() for _ in range(2000))
        assert failure_rate["s1"] < 200
        for step in range(200):
            endpoint.observe(now + step / 4, 0.01)
        assert endpoint.failure_rate(now + 50) < 0.05


@settings(max_examples=30, deadline=None)
@given(weights=weight_lists, data=st.data())
def test_hrw_moves_only_the_clients_of_a_server_that_is_added_or_removed(
    weights: list[int], data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, len(weights) - 1))
    everyone = servers(*weights)
    fewer = tuple(server for number, server in enumerate(everyone) if number != gone)
    clients = addresses(300)
    with built(Service("s", everyone, strategy="hrw")) as service:
        before = [service.name(peer) for peer in clients]
    with built(Service("s", fewer, strategy="hrw")) as service:
        after = [service.name(peer) for peer in clients]
    moved = {was for was, now in zip(before, after, strict=True) if was != now}
    assert moved <= {f"s{gone}"}


def test_hrw_moves_only_the_clients_of_a_server_that_is_ejected_and_back_again() -> None:
    everyone = servers(1, 1, 1, 1)
    clients = addresses(400)
    with built(Service("s", everyone, strategy="hrw")) as service:
        before = [service.name(peer) for peer in clients]
        service.services.set_ejected(address_of(everyone[2]), ejected=True)
        meanwhile = [service.name(peer) for peer in clients]
        service.services.set_ejected(address_of(everyone[2]), ejected=False)
        after = [service.name(peer) for peer in clients]
    assert {was for was, now in zip(before, meanwhile, strict=True) if was != now} == {"s2"}
    assert Counter(now for was, now in zip(before, meanwhile, strict=True) if was != now).keys() == {
        "s0",
        "s1",
        "s3",
    }
    assert after == before


def test_hrw_is_the_same_in_every_process_and_with_every_address() -> None:
    # Pinned: another version of the proxy beside this one must send clients to the same servers.
    with built(Service("s", servers(1, 1, 2), strategy="hrw")) as service:
        chosen = [service.name(peer) for peer in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "10.0.0.7")]
    assert chosen == ["s2", "s2", "s0", "s1"]


def test_a_draining_server_is_unavailable() -> None:
    first, second = servers(1, 1)
    service = Service("s", (replace(first, state=ServerState.DRAINING), second), strategy="p2c")
    with built(service) as held:
        assert {held.name() for _ in range(20)} == {"s1"}
