"""Large replies read in one transaction, chunk by chunk."""

from pathlib import Path

import pytest
import redis

from rondpoint.configuration import Configuration
from rondpoint.model import Router
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load
from rondpoint.store.transaction import read_atomically
from tests.lab.store import Store

LARGE = 3000


def do_nothing() -> None:
    pass


@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_come_in_order_with_their_errors(client: redis.Redis, server: Store, protocol: int) -> None:
    client.set("text", "x" * 300_000)
    client.hset("hash", mapping={"a": "1"})
    commands = [("GET", "text"), ("HGETALL", "text"), ("GET", "none"), ("HGETALL", "hash")]
    with connect(server.url, protocol=protocol) as other:
        text, wrong, none, fields = read_atomically(other, commands, do_nothing)
    assert text == b"x" * 300_000
    assert isinstance(wrong, redis.ResponseError)
    assert "WRONGTYPE" in str(wrong)
    assert none is None
    assert fields in ({b"a": b"1"}, [b"a", b"1"])


def test_a_refused_command_raises_an_error(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="EXECABORT"):
        read_atomically(client, [("GET",)], do_nothing)


def test_loading_yields_often_and_works_many_times(client: redis.Redis, keys: Keys) -> None:
    rule = v3.parse("Host(`a.test`)")
    names = [f"r{number}" for number in range(LARGE)]
    Publisher(client, keys).publish(Configuration({name: Router(name, rule, "s", 1) for name in names}))
    yields: list[None] = []
    for _ in range(150):
        yields.clear()
        loaded = load(client, keys, lambda: yields.append(None))
        assert loaded is not None
    assert len(loaded.state.routers) == LARGE
    assert len(yields) > 15


def test_known_equal_objects_are_reused(client: redis.Redis, keys: Keys) -> None:
    same, other = (Router(name, v3.parse("Host(`a.test`)"), "s", 1) for name in ("same", "other"))
    Publisher(client, keys).publish(Configuration({"same": same, "other": other}))
    before = Configuration({"same": same, "other": Router("other", same.rule, "s", 2)})
    loaded = load(client, keys, known=before)
    assert loaded is not None
    assert loaded.state.routers["same"] is same
    assert loaded.state.routers["other"] == other


def test_a_broken_connection_raises_a_connection_error(short_path: Path) -> None:
    with Store(short_path) as store, connect(store.url) as client:
        client.set("text", b"x" * 20_000_000)
        with pytest.raises(redis.ConnectionError):
            read_atomically(client, [("GET", "text")], store.kill)
