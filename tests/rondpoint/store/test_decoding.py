"""Values in the store that another program has overwritten, even with deeply nested JSON."""

import msgspec
import pytest
import redis

from rondpoint.model import Router
from rondpoint.store import change as messages
from rondpoint.store.agents import read_agents
from rondpoint.store.decoding import decode_json
from rondpoint.store.ejections import decode_notice, read_ejections
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import decode_field
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load, read_diagnostics
from rondpoint.store.server_metrics import decode_server
from rondpoint.store.workers import read_workers
from tests.rondpoint.store.test_publish import WHOLE

DEEP = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
CORRUPT = (DEEP, b"\xff", b"{", b"")


@pytest.mark.parametrize("value", [*CORRUPT, b'{"\xff":1}'])
def test_every_undecodable_value_raises_the_same_error(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_json(msgspec.json.Decoder(Router), value)
    with pytest.raises(msgspec.MsgspecError):
        decode_json(msgspec.json.Decoder(dict[str, int]), value)


@pytest.mark.parametrize(
    "message", [DEEP, b'{"revision":1,"previous":0,"routers":{"\xff":null}}', b'{"url":"a","by":"\xff"}']
)
def test_every_undecodable_message_raises_the_same_error(message: bytes) -> None:
    for decode in (messages.decode, decode_notice):
        with pytest.raises(msgspec.MsgspecError):
            decode(message)


@pytest.mark.parametrize("value", CORRUPT)
def test_every_undecodable_server_count_raises_the_same_error(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_server("s http://a", value)


@pytest.mark.parametrize("value", CORRUPT)
def test_a_corrupt_value_is_skipped_alone(client: redis.Redis, keys: Keys, value: bytes) -> None:
    Publisher(client, keys).publish(WHOLE)
    for key in (keys.routers, keys.services, keys.middlewares, keys.diagnostics):
        client.hset(key, "corrupt", value)
    for key in (keys.agents, keys.workers, keys.ejected, keys.metrics("w")):
        client.hset(key, "corrupt", value)
    loaded = load(client, keys)
    assert loaded is not None
    assert loaded.state.routers == WHOLE.routers
    assert len(loaded.problems) == 3
    assert any("corrupt" in found.subject for found in read_diagnostics(client, keys))
    assert read_agents(client, keys) == {}
    assert read_workers(client, keys) == {}
    with pytest.raises(msgspec.MsgspecError):
        decode_field("corrupt", value)
    assert read_ejections(client, keys).stale == (b"corrupt",)
    publisher = Publisher(client, keys)
    publisher.publish(WHOLE)
    assert publisher.is_intact()
    after = load(client, keys)
    assert after is not None
    assert after.problems == ()
