"""Ticket counts are removed a while after their service, and no sooner."""

import redis

from rondpoint.configuration import Configuration
from rondpoint.model import Service
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.ticket_fields import TicketFields
from rondpoint.store.unused_tickets import PAUSE, RETENTION, UnusedTickets
from rondpoint.tcp.model import TcpService

LEASE = "7 agent"


def store_counts(client: redis.Redis, keys: Keys, *names: str) -> None:
    for name in names:
        client.hincrby(keys.tickets, name, 3)
    client.set(keys.leader, LEASE)


def remaining(client: redis.Redis, keys: Keys) -> set[bytes]:
    return set(client.hkeys(keys.tickets))


def test_a_service_that_was_removed_long_enough_ago_loses_its_count(client: redis.Redis, keys: Keys) -> None:
    store_counts(client, keys, "gone@file", "stays@file")
    unused_tickets = UnusedTickets(client, keys)
    unused_tickets.remove_expired(LEASE, {"stays@file"}, 100.0)
    unused_tickets.remove_expired(LEASE, {"stays@file"}, 89.0 + RETENTION)
    assert remaining(client, keys) == {b"gone@file", b"stays@file"}
    unused_tickets.remove_expired(LEASE, {"stays@file"}, 100.0 + RETENTION)
    assert remaining(client, keys) == {b"stays@file"}
    assert client.hincrby(keys.tickets, "gone@file", 1) == 1
    # It is missing again, so its retention begins again.
    unused_tickets.remove_expired(LEASE, {"stays@file"}, 110.0 + RETENTION)
    assert remaining(client, keys) == {b"gone@file", b"stays@file"}


def test_the_retention_begins_again_after_a_service_has_returned(client: redis.Redis, keys: Keys) -> None:
    store_counts(client, keys, "a@file")
    unused_tickets = UnusedTickets(client, keys)
    unused_tickets.remove_expired(LEASE, (), 0.0)
    unused_tickets.remove_expired(LEASE, {"a@file"}, 10.0)
    unused_tickets.remove_expired(LEASE, (), RETENTION + 5)
    assert remaining(client, keys) == {b"a@file"}


def test_a_service_that_is_published_meanwhile_keeps_its_count(client: redis.Redis, keys: Keys) -> None:
    store_counts(client, keys, "a@file", "b@file")
    unused_tickets = UnusedTickets(client, keys)
    unused_tickets.remove_expired(LEASE, (), 0.0)
    Publisher(client, keys, lambda: LEASE).publish(Configuration(services={"a@file": Service("a@file")}))
    unused_tickets.remove_expired(LEASE, (), RETENTION)
    assert remaining(client, keys) == {b"a@file"}
    assert client.hincrby(keys.tickets, "a@file", 1) == 4


def test_an_agent_that_does_not_lead_removes_nothing(client: redis.Redis, keys: Keys) -> None:
    store_counts(client, keys, "a@file")
    unused_tickets = UnusedTickets(client, keys)
    for now in (0.0, RETENTION):
        unused_tickets.remove_expired("6 other", (), now)
    assert remaining(client, keys) == {b"a@file"}
    unused_tickets.remove_expired(LEASE, (), RETENTION + 10)
    assert remaining(client, keys) == set()


def test_many_counts_are_checked_some_at_a_time_until_all_are_checked(
    client: redis.Redis, keys: Keys
) -> None:
    many = [f"s{number}@file" for number in range(20_000)]
    client.hset(keys.tickets, mapping=dict.fromkeys([*many, "stays@file", b"\xff"], 5))
    client.set(keys.leader, LEASE)
    unused_tickets = UnusedTickets(client, keys)
    unused_tickets.remove_expired(LEASE, {"stays@file"}, 0.0)
    unused_tickets.remove_expired(LEASE, {"stays@file"}, RETENTION)
    assert len(remaining(client, keys)) > 10_000
    for _ in range(200):
        unused_tickets.remove_expired(LEASE, {"stays@file"}, RETENTION)
    for _ in range(200):
        unused_tickets.remove_expired(LEASE, {"stays@file"}, 2 * RETENTION)
    assert remaining(client, keys) == {b"stays@file"}


def test_keys_of_another_type_are_left_to_others_to_repair(client: redis.Redis, keys: Keys) -> None:
    store_counts(client, keys, "a@file")
    unused_tickets = UnusedTickets(client, keys)
    unused_tickets.remove_expired(LEASE, (), 0.0)
    client.set(keys.services, "rubbish")
    unused_tickets.remove_expired(LEASE, (), RETENTION)
    client.set(keys.tickets, "rubbish")
    unused_tickets.remove_expired(LEASE, (), RETENTION)
    assert client.get(keys.tickets) == b"rubbish"


def test_services_of_tcp_and_udp_have_fields_of_their_own(client: redis.Redis, keys: Keys) -> None:
    fields = TicketFields({"a@file"}, {"b@file"}, {"c@file"})
    assert [name for name in ("a@file", "tcp:b@file", "udp:c@file") if name in fields] == [
        "a@file",
        "tcp:b@file",
        "udp:c@file",
    ]
    others = ("b@file", "tcp:a@file", "udp:b@file", "tcp:c@file")
    assert not any(name in fields for name in others)
    store_counts(client, keys, "a@file", "tcp:b@file", "udp:c@file", *others)
    unused_tickets = UnusedTickets(client, keys)
    unused_tickets.remove_expired(LEASE, fields, 0.0)
    unused_tickets.remove_expired(LEASE, fields, PAUSE + RETENTION)
    assert remaining(client, keys) == {b"a@file", b"tcp:b@file", b"udp:c@file"}


def test_a_tcp_service_that_is_published_meanwhile_keeps_its_count(client: redis.Redis, keys: Keys) -> None:
    store_counts(client, keys, "tcp:b@file", "udp:b@file")
    unused_tickets = UnusedTickets(client, keys)
    unused_tickets.remove_expired(LEASE, (), 0.0)
    published = Configuration(tcp_services={"b@file": TcpService("b@file")})
    Publisher(client, keys, lambda: LEASE).write(published)
    unused_tickets.remove_expired(LEASE, (), PAUSE + RETENTION)
    assert remaining(client, keys) == {b"tcp:b@file"}
