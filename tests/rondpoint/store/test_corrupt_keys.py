"""Corrupt keys, which another program has overwritten."""

import pytest
import redis

from rondpoint.store.agents import AgentStatus, read_agents, write_agent
from rondpoint.store.corrupt_keys import drop, is_corrupt_counter
from rondpoint.store.ejections import StoredEjections, read_ejections
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import Counts, write_counts
from rondpoint.store.workers import WorkerStatus, read_workers, write_worker
from tests.rondpoint.store.counts import read_counts


def test_an_agent_list_of_another_type_is_replaced(client: redis.Redis, keys: Keys) -> None:
    client.set(keys.agents, "rubbish")
    status = AgentStatus("a", "host", 7, 1.0, 5.0)
    write_agent(client, keys, status)
    assert read_agents(client, keys) == {"a": status}


def test_counts_of_another_type_are_dropped_and_written_again(client: redis.Redis, keys: Keys) -> None:
    client.rpush(keys.metrics("w"), "rubbish")
    counts = {"r": Counts("s", {"2xx": 1})}
    assert not write_counts(client, keys, "w", counts)
    assert not client.exists(keys.metrics("w"))
    write_counts(client, keys, "w", counts)
    assert read_counts(client, keys, "w") == counts


def test_corrupt_ticket_counters_are_distinguished_from_other_errors(client: redis.Redis, keys: Keys) -> None:
    client.set(keys.tickets, "rubbish")
    assert is_corrupt_counter(counting_error(client, keys.tickets))
    drop(client, keys.tickets)
    client.hset(keys.tickets, "s", "rubbish")
    assert is_corrupt_counter(counting_error(client, keys.tickets))
    client.hset(keys.tickets, "s", str(2**63 - 1))
    assert is_corrupt_counter(counting_error(client, keys.tickets))
    drop(client, keys.tickets)
    assert client.hincrby(keys.tickets, "s", 1) == 1
    client.config_set("maxmemory", "1")
    try:
        assert not is_corrupt_counter(counting_error(client, keys.tickets))
    finally:
        client.config_set("maxmemory", "0")


def counting_error(client: redis.Redis, key: str) -> redis.ResponseError:
    try:
        client.hincrby(key, "s", 1)
    except redis.ResponseError as error:
        return error
    raise AssertionError("the store counts")


def test_a_worker_list_and_ejections_of_another_type_are_dropped(client: redis.Redis, keys: Keys) -> None:
    status = WorkerStatus("host:1", "host-0", "host", 1, 0.0, 0.0)
    client.set(keys.workers, "rubbish")
    client.set(keys.ejected, "rubbish")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        write_worker(client, keys, status)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        read_ejections(client, keys)
    write_worker(client, keys, status)
    assert read_workers(client, keys) == {"host:1": status}
    assert read_ejections(client, keys) == StoredEjections(())
