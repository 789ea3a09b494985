"""Tests of the lab's store."""

from pathlib import Path

import pytest
import redis

from tests.lab.store import Store


def test_the_store_is_empty_after_a_kill_and_restart(store: Store) -> None:
    with store.client() as client:
        client.set("key", "value")
        store.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        store.start()
        assert client.get("key") is None


def test_a_frozen_store_responds_only_after_it_is_thawed(store: Store) -> None:
    with store.client() as patient, store.client(timeout=0.1) as hasty:
        assert patient.ping()
        store.freeze()
        with pytest.raises(redis.TimeoutError):
            hasty.ping()
        store.thaw()
        assert patient.ping()


def test_a_flushed_store_is_empty(store: Store) -> None:
    with store.client() as client:
        client.set("key", "value")
        store.flush()
        assert client.dbsize() == 0


@pytest.mark.parametrize(("server", "name"), [("valkey", "valkey"), ("redis", "redis")])
def test_both_kinds_of_store_run(short_path: Path, server: str, name: str) -> None:
    with Store(short_path, server) as store, store.client() as client:  # type: ignore[arg-type]
        assert client.info("server").get("server_name", "redis") == name
