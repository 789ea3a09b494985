"""The in-flight limits of several workers with one store."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import gevent
import pytest
import redis

from proxy.limits import in_flight_limits
from proxy.limits.in_flight_counts import SharedCounts
from proxy.limits.in_flight_limits import InFlightLimits
from proxy.limits.installation_size import InstallationSize
from proxy.limits.slot_pool import SlotPool
from proxy.shared_store import script_calls
from rondpoint.store.client import connect
from tests.lab.store import Store
from tests.proxy.limits.installation import Worker, calls, leased_slots, running

KEY = "m\0r\0s"
Start = Callable[[], InFlightLimits]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as store:
        yield store


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as client:
        yield client


@pytest.fixture
def start(client: redis.Redis) -> Iterator[Start]:
    """A function that starts a worker, the only one of its instance, and returns its limits once shared."""
    with ExitStack() as stack:

        def begin() -> InFlightLimits:
            worker = Worker(client, InstallationSize(workers=2, instances=2))
            stack.enter_context(running(worker))
            worker.wait_until_shared()
            return worker.in_flight

        yield begin


def enter(limits: InFlightLimits, limit: int, times: int = 1) -> list[SlotPool]:
    """Try to enter so many times; return the pools of the requests that did."""
    return [pool for _ in range(times) if (pool := limits.enter(KEY, limit)) is not None]


def leave(limits: InFlightLimits, pools: list[SlotPool]) -> None:
    for pool in pools:
        limits.leave(pool)


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    with gevent.Timeout(seconds):
        while not condition():
            gevent.sleep(0.005)


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_workers_admit_as_many_requests_as_the_limit_says(start: Start, limit: int) -> None:
    workers = [start(), start(), start()]
    admitted = {worker: enter(worker, limit, limit // 3 + 1) for worker in workers[:2]}
    admitted[workers[2]] = enter(workers[2], limit, limit)
    # Unused slots of the others are given back.
    gevent.sleep(0.2)
    admitted[workers[2]] += enter(workers[2], limit, limit)
    assert sum(map(len, admitted.values())) == limit
    assert not any(enter(worker, limit) for worker in workers)
    for worker, pools in admitted.items():
        leave(worker, pools[:1])
    gevent.sleep(0.05)
    assert len(enter(workers[0], limit, limit)) == sum(bool(pools) for pools in admitted.values())


def test_a_limit_of_zero_refuses_without_a_call(client: redis.Redis, start: Start) -> None:
    limits = start()
    assert enter(limits, 0, 10) == []
    assert calls(client) == 0


def test_a_request_may_follow_another_at_once_in_another_worker(start: Start) -> None:
    workers = [start(), start()]
    for number in range(200):
        worker = workers[number % 2]
        (pool,) = enter(worker, 1)
        gevent.sleep(0)
        worker.leave(pool)


def test_requests_below_the_limit_cost_few_calls(client: redis.Redis, start: Start) -> None:
    limits = start()
    for _ in range(5000):
        pools = enter(limits, 1000, 4)
        assert len(pools) == 4
        gevent.sleep(0)
        leave(limits, pools)
    assert calls(client) < 500


def test_requests_that_wait_at_the_limit_cost_few_calls(client: redis.Redis, start: Start) -> None:
    limits = start()
    held = enter(limits, 2, 2)
    before = calls(client)
    requests = [gevent.spawn(limits.enter, KEY, 2) for _ in range(1000)]
    gevent.joinall(requests, timeout=30, raise_error=True)
    assert [request.value for request in requests] == [None] * 1000
    assert calls(client) - before < 50
    leave(limits, held)


@pytest.mark.parametrize("limit", [1, 3, 20])
def test_an_overloaded_limit_is_never_exceeded_used_up_and_shared_fairly(
    start: Start, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine, no worker may find the store too slow.
    monkeypatch.setattr(script_calls, "REPLY_TIMEOUT", 5.0)
    workers = [start() for _ in range(4)]
    now_in, most, busy = 0, 0, 0.0
    served = Counter[int]()
    clock = gevent.get_hub().loop

    def send(number: int) -> None:
        nonlocal now_in, most, busy
        worker = workers[number]
        while clock.now() < end:
            pool = worker.enter(KEY, limit)
            if pool is None:
                gevent.sleep(0.001)
                continue
            now_in += 1
            most = max(most, now_in)
            begun = clock.now()
            gevent.sleep(0.01)
            busy += clock.now() - begun
            now_in -= 1
            served[number] += 1
            worker.leave(pool)

    clock.update_now()
    begun = clock.now()
    end = begun + 3.0
    clients = [gevent.spawn(send, number % 4) for number in range(4 * (limit + 5))]
    gevent.joinall(clients, timeout=60, raise_error=True)
    assert most <= limit
    assert busy >= 0.6 * limit * 3.0
    assert min(served[number] for number in range(4)) >= 0.4 * sum(served.values()) / 4
    eventually(lambda: not any(map(len, workers)))


def test_the_slots_of_a_dead_worker_come_back(
    client: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_flight_limits, "LEASE_SECONDS", 0.5)
    monkeypatch.setattr(in_flight_limits, "RENEWAL_SECONDS", 0.1)
    dead, alive = Worker(client), start()
    with running(dead):
        dead.wait_until_shared()
        assert len(enter(dead.in_flight, 2, 2)) == 2
        gevent.sleep(1.0)
        assert enter(alive, 2) == [], "a living worker renews its lease"
    assert enter(alive, 2) == []
    gevent.sleep(0.6)
    assert len(enter(alive, 2, 3)) == 2


def test_an_emptied_store_learns_again_which_slots_are_in_use(
    client: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_flight_limits, "RENEWAL_SECONDS", 0.1)
    one, two = start(), start()
    assert len(enter(one, 2, 2)) == 2
    client.flushall()
    eventually(lambda: leased_slots(client) == 2)
    assert enter(two, 2) == []


def test_idle_workers_leave_nothing_in_the_store_or_in_memory(client: redis.Redis, start: Start) -> None:
    limits = start()
    for number in range(500):
        pool = limits.enter(f"source {number}", 100)
        assert pool is not None
        limits.leave(pool)
    eventually(lambda: not len(limits))
    assert leased_slots(client) == 0


def test_a_killed_request_holds_no_slot(client: redis.Redis, start: Start) -> None:
    limits = start()
    held = enter(limits, 1)
    waiting = [gevent.spawn(limits.enter, KEY, 1) for _ in range(5)]
    gevent.sleep(0)
    gevent.killall(waiting)
    leave(limits, held)
    eventually(lambda: not len(limits))
    assert len(enter(limits, 1)) == 1


def test_without_a_store_an_instance_admits_its_part() -> None:
    counts = SharedCounts(rows=1)
    size = InstallationSize(workers=4, instances=2)
    one, two = (Worker(None, size, counts).in_flight for _ in range(2))
    first = enter(one, 10, 3)
    second = enter(two, 10, 10)
    assert [len(first), len(second)] == [3, 2]
    leave(one, first)
    assert len(enter(two, 10, 10)) == 3
    alone = Worker(None, InstallationSize(), SharedCounts(rows=1)).in_flight
    assert len(enter(alone, 1, 5)) == 1


def test_a_store_that_dies_and_comes_back_refuses_no_request_within_the_limit(store: Store) -> None:
    with connect(store.url) as client:
        one, two = (Worker(client, InstallationSize(workers=2, instances=2)) for _ in range(2))
        with running(one, two):
            one.wait_until_shared()
            two.wait_until_shared()
            held = enter(one.in_flight, 4)
            assert len(held) == 1
            store.kill()
            # One request is in progress already, and the part of each instance is two.
            held += enter(one.in_flight, 4, 4)
            other = enter(two.in_flight, 4, 4)
            assert [len(held), len(other)] == [2, 2]
            store.start()
            one.wait_until_shared()
            two.wait_until_shared()
            eventually(lambda: leased_slots(client) == 4)
            assert [*enter(one.in_flight, 4), *enter(two.in_flight, 4)] == []
            leave(one.in_flight, held)
            gevent.sleep(0.1)
            assert len(enter(two.in_flight, 4, 4)) == 2


def test_a_store_that_comes_late_takes_over_what_is_in_progress(store: Store) -> None:
    store.kill()
    with connect(store.url) as client:
        one, two = (Worker(client, InstallationSize(workers=2, instances=2)) for _ in range(2))
        with running(one, two):
            held = enter(one.in_flight, 4, 4)
            assert len(held) == 2
            store.start()
            one.wait_until_shared()
            two.wait_until_shared()
            eventually(lambda: leased_slots(client) == 2)
            assert len(enter(two.in_flight, 4, 4)) == 2
