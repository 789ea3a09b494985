"""The script that shares the slots of in-flight limits among workers."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from rondpoint.store.scripts import load_script
from tests.lab.store import Store

TERM, WINDOW = 60_000_000, 10_000_000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with Store(tmp_path_factory.mktemp("s")) as store, store.client() as client:
        yield client


@pytest.fixture
def lease(client: redis.Redis) -> Any:
    """A function that calls the script for one pool, and returns its numbers."""
    client.flushall()
    script = load_script(client, "lease_slots.lua", "proxy.limits")

    def call(worker: str, limit: int, used: int, waiting: int, spare: int = 0, term: int = TERM) -> list[int]:
        numbers: list[int] = script(
            keys=["leases", "pool"], args=[worker, term, WINDOW, 60, limit, used, waiting, spare]
        )
        return numbers[1:]

    return call


# Calls (worker, limit, used, waiting, spare), and what is returned: slots for requests, spare and free ones.
CALLS = {
    "the requests that wait get all slots": [(("a", 5, 0, 9), [5, 0, 0])],
    "spare slots are an eighth of the free ones": [(("a", 100, 0, 20, 50), [20, 10, 70])],
    "no spare slots near the limit": [(("a", 10, 0, 4, 5), [4, 0, 6])],
    "slots of others count": [(("a", 5, 0, 2), [2, 0, 3]), (("b", 5, 0, 9), [3, 0, 0])],
    "what a worker states replaces what it stated": [
        (("a", 5, 0, 5), [5, 0, 0]),
        (("a", 5, 1, 0), [0, 0, 4]),
        (("b", 5, 0, 9), [4, 0, 0]),
    ],
    "more in use than the limit": [(("a", 5, 9, 1), [0, 0, 0]), (("b", 5, 0, 1), [0, 0, 0])],
    "a slot given back is another's turn": [
        (("a", 1, 0, 2), [1, 0, 0]),
        (("b", 1, 0, 1), [0, 0, 0]),
        (("a", 1, 0, 1), [0, 0, 1]),
        (("b", 1, 0, 1), [1, 0, 0]),
    ],
    "a worker takes back its own slot if nobody waits": [
        (("a", 1, 0, 1), [1, 0, 0]),
        (("a", 1, 0, 1), [1, 0, 0]),
    ],
    "a worker with more than its share yields": [
        (("a", 4, 0, 4), [4, 0, 0]),
        (("b", 4, 0, 4), [0, 0, 0]),
        (("a", 4, 3, 4), [0, 0, 1]),
        (("b", 4, 0, 4), [1, 0, 0]),
    ],
}


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
def test_slots_are_granted(lease: Any, calls: list[tuple[tuple[Any, ...], list[int]]]) -> None:
    assert [lease(*words) for words, _ in calls] == [numbers for _, numbers in calls]


def test_the_slots_of_a_worker_without_a_lease_are_free(lease: Any, client: redis.Redis) -> None:
    lease("a", 2, 0, 2, term=-1)
    assert lease("b", 2, 0, 2) == [2, 0, 0]
    assert client.hkeys("pool") == [b"b"]
    assert client.hkeys("leases") == [b"b"]


def test_foreign_values_are_replaced(lease: Any, client: redis.Redis) -> None:
    client.set("leases", "nonsense")
    client.set("pool", "nonsense")
    assert lease("a", 2, 0, 1) == [1, 0, 1]
    client.hset("leases", "x", "nonsense")
    client.hset("pool", mapping={"a": "nonsense", "x": "9"})
    assert lease("a", 2, 1, 1) == [1, 0, 0]
    assert client.hgetall("pool") == {b"a": b"2 0"}


def test_unused_keys_vanish(lease: Any, client: redis.Redis) -> None:
    lease("a", 2, 0, 1)
    assert 0 < client.ttl("pool") <= 60
    assert 0 < client.ttl("leases") <= 60
    lease("a", 2, 0, 0)
    assert not client.exists("pool")


def test_a_worker_learns_whether_its_lease_was_in_force(lease: Any, client: redis.Redis) -> None:
    script = load_script(client, "lease_slots.lua", "proxy.limits")
    renew = lambda: script(keys=["leases"], args=["a", TERM, WINDOW, 60])  # noqa: E731
    assert [renew(), renew()] == [[0], [1]]
    client.flushall()
    assert renew() == [0]
