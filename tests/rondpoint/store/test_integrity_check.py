"""A publisher checks the stored values, one after the other."""

import msgspec
import pytest
import redis

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Middleware, Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.integrity_check import BATCH
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load

SOME = Configuration(
    {"r@file": Router("r@file", v3.parse("Host(`a.test`)"), "s@file", 5)},
    {"s@file": Service("s@file", (Server("one", "127.0.0.1", 80),))},
    {"m@file": Middleware("m@file", "addPrefix", {"prefix": "/x"})},
    (Diagnostic(Severity.NOTE, "file", "subject", "message"),),
)
HASHES = 4


@pytest.fixture
def publisher(client: redis.Redis, keys: Keys) -> Publisher:
    publisher = Publisher(client, keys)
    publisher.publish(SOME)
    return publisher


@pytest.mark.parametrize(
    ("hash_name", "field"),
    [("routers", "r@file"), ("services", "s@file"), ("middlewares", "m@file"), ("diagnostics", "file")],
)
@pytest.mark.parametrize("value", [b"rubbish", b'{"name":"s@file"}', b"[]"])
def test_a_changed_value_is_found_and_written_again(
    client: redis.Redis, keys: Keys, publisher: Publisher, hash_name: str, field: str, value: bytes
) -> None:
    assert all(publisher.is_intact() for _ in range(2 * HASHES))
    key = getattr(keys, hash_name)
    good = client.hget(key, field)
    client.hset(key, field, value)
    assert not all(publisher.is_intact() for _ in range(HASHES))
    publisher.publish(SOME)
    assert client.hget(key, field) == good
    assert all(publisher.is_intact() for _ in range(2 * HASHES))


def test_an_equal_value_in_another_spelling_is_left_alone(
    client: redis.Redis, keys: Keys, publisher: Publisher
) -> None:
    spelled = msgspec.json.format(msgspec.json.encode(SOME.routers["r@file"]))[:-2] + b', "new field": 1}'
    client.hset(keys.routers, "r@file", spelled)
    assert all(publisher.is_intact() for _ in range(2 * HASHES))


def test_a_changed_value_among_many_is_found_after_some_checks(client: redis.Redis, keys: Keys) -> None:
    count = 3 * BATCH
    publisher = Publisher(client, keys)
    services = {name: Service(name) for name in map("s{}@file".format, range(count))}
    publisher.publish(Configuration(services=services))
    client.hset(keys.services, f"s{count - 1}@file", "rubbish")
    checks = 0
    while publisher.is_intact():
        checks += 1
        assert checks < 20
    publisher.publish(Configuration(services=services))
    loaded = load(client, keys)
    assert loaded is not None
    assert loaded.problems == ()
