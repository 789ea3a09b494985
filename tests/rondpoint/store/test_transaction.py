"""Much read at one instant, in pieces."""

from pathlib import Path

import pytest
import redis

from rondpoint.model import Configuration, Router
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load
from rondpoint.store.transaction import read_atomically
from tests.lab.store import Store

LARGE = 3000


def go_on() -> None:
    pass


@pytest.mark.parametrize("protocol", [2, 3])
def test_answers_come_in_order_with_their_errors(client: redis.Redis, server: Store, protocol: int) -> None:
    client.set("text", "x" * 300_000)
    client.hset("hash", mapping={"a": "1"})
    commands = [("GET", "text"), ("HGETALL", "text"), ("GET", "none"), ("HGETALL", "hash")]
    with connect(server.url, protocol=protocol) as other:
        text, wrong, none, fields = read_atomically(other, commands, go_on)
    assert text == b"x" * 300_000
    assert isinstance(wrong, redis.ResponseError)
    assert "WRONGTYPE" in str(wrong)
    assert none is None
    assert fields in ({b"a": b"1"}, [b"a", b"1"])


def test_a_command_that_is_refused_is_an_error(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="EXECABORT"):
        read_atomically(client, [("GET",)], go_on)


def test_there_is_time_to_breathe_and_no_number_of_reads_is_too_many(client: redis.Redis, keys: Keys) -> None:
    rule = v3.parse("Host(`a.test`)")
    names = [f"r{number}" for number in range(LARGE)]
    Publisher(client, keys).publish(Configuration({name: Router(name, rule, "s", 1) for name in names}))
    breaths: list[None] = []
    for _ in range(150):
        breaths.clear()
        loaded = load(client, keys, lambda: breaths.append(None))
        assert loaded is not None
    assert len(loaded.state.routers) == LARGE
    assert len(breaths) > 15


def test_what_is_known_is_not_held_twice(client: redis.Redis, keys: Keys) -> None:
    same, other = (Router(name, v3.parse("Host(`a.test`)"), "s", 1) for name in ("same", "other"))
    Publisher(client, keys).publish(Configuration({"same": same, "other": other}))
    before = Configuration({"same": same, "other": Router("other", same.rule, "s", 2)})
    loaded = load(client, keys, known=before)
    assert loaded is not None
    assert loaded.state.routers["same"] is same
    assert loaded.state.routers["other"] == other


def test_a_store_that_breaks_off_is_a_connection_error(short_path: Path) -> None:
    with Store(short_path) as store, connect(store.url) as client:
        client.set("text", b"x" * 20_000_000)
        with pytest.raises(redis.ConnectionError):
            read_atomically(client, [("GET", "text")], store.kill)
