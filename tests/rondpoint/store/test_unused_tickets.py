"""Counts of tickets go when their service has gone for good, and no sooner."""

import redis

from rondpoint.model import Configuration, Service
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.unused_tickets import RETENTION, UnusedTickets

LEASE = "7 agent"


def counted(client: redis.Redis, keys: Keys, *names: str) -> None:
    for name in names:
        client.hincrby(keys.tickets, name, 3)
    client.set(keys.leader, LEASE)


def left(client: redis.Redis, keys: Keys) -> set[bytes]:
    return set(client.hkeys(keys.tickets))


def test_a_service_that_is_gone_for_long_enough_loses_its_count(client: redis.Redis, keys: Keys) -> None:
    counted(client, keys, "gone@file", "stays@file")
    leftovers = UnusedTickets(client, keys)
    leftovers.sweep(LEASE, {"stays@file"}, 100.0)
    leftovers.sweep(LEASE, {"stays@file"}, 99.9 + RETENTION)
    assert left(client, keys) == {b"gone@file", b"stays@file"}
    leftovers.sweep(LEASE, {"stays@file"}, 100.0 + RETENTION)
    assert left(client, keys) == {b"stays@file"}
    assert client.hincrby(keys.tickets, "gone@file", 1) == 1
    # It is gone anew, and its time begins anew.
    leftovers.sweep(LEASE, {"stays@file"}, 101.0 + RETENTION)
    assert left(client, keys) == {b"gone@file", b"stays@file"}


def test_the_time_of_a_service_that_was_back_begins_anew(client: redis.Redis, keys: Keys) -> None:
    counted(client, keys, "a@file")
    leftovers = UnusedTickets(client, keys)
    leftovers.sweep(LEASE, (), 0.0)
    leftovers.sweep(LEASE, {"a@file"}, 1.0)
    leftovers.sweep(LEASE, (), RETENTION + 0.5)
    assert left(client, keys) == {b"a@file"}


def test_a_service_that_is_published_meanwhile_keeps_its_count(client: redis.Redis, keys: Keys) -> None:
    counted(client, keys, "a@file", "b@file")
    leftovers = UnusedTickets(client, keys)
    leftovers.sweep(LEASE, (), 0.0)
    Publisher(client, keys, lambda: LEASE).publish(Configuration(services={"a@file": Service("a@file")}))
    leftovers.sweep(LEASE, (), RETENTION)
    assert left(client, keys) == {b"a@file"}
    assert client.hincrby(keys.tickets, "a@file", 1) == 4


def test_who_does_not_lead_removes_nothing(client: redis.Redis, keys: Keys) -> None:
    counted(client, keys, "a@file")
    leftovers = UnusedTickets(client, keys)
    for now in (0.0, RETENTION):
        leftovers.sweep("6 other", (), now)
    assert left(client, keys) == {b"a@file"}
    leftovers.sweep(LEASE, (), RETENTION + 1)
    assert left(client, keys) == set()


def test_very_many_are_looked_at_some_at_a_time_and_all_in_turn(client: redis.Redis, keys: Keys) -> None:
    many = [f"s{number}@file" for number in range(20_000)]
    client.hset(keys.tickets, mapping=dict.fromkeys([*many, "stays@file", b"\xff"], 5))
    client.set(keys.leader, LEASE)
    leftovers = UnusedTickets(client, keys)
    leftovers.sweep(LEASE, {"stays@file"}, 0.0)
    leftovers.sweep(LEASE, {"stays@file"}, RETENTION)
    assert len(left(client, keys)) > 10_000
    for _ in range(200):
        leftovers.sweep(LEASE, {"stays@file"}, RETENTION)
    for _ in range(200):
        leftovers.sweep(LEASE, {"stays@file"}, 2 * RETENTION)
    assert left(client, keys) == {b"stays@file"}


def test_what_holds_no_counts_is_left_to_who_mends_it(client: redis.Redis, keys: Keys) -> None:
    counted(client, keys, "a@file")
    leftovers = UnusedTickets(client, keys)
    leftovers.sweep(LEASE, (), 0.0)
    client.set(keys.services, "rubbish")
    leftovers.sweep(LEASE, (), RETENTION)
    client.set(keys.tickets, "rubbish")
    leftovers.sweep(LEASE, (), RETENTION)
    assert client.get(keys.tickets) == b"rubbish"
