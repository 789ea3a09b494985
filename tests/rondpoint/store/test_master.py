"""Every connection finds the master, with Sentinel and in a cluster, also after a failover."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from rondpoint.configuration import Configuration
from rondpoint.model import Service
from rondpoint.store.client import connect, separate_connection
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load
from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.lab.redis_server import Cluster, Sentinels
from tests.lab.waiting import until

KEYS = Keys()

FAILOVER = 120.0
"""Seconds; a sentinel that a busy machine has delayed pauses for 30 of them."""

Group = Sentinels | Cluster


@pytest.fixture(params=[Sentinels, Cluster])
def group(request: pytest.FixtureRequest) -> Iterator[Group]:
    with tempfile.TemporaryDirectory(prefix="rp-") as directory, request.param(Path(directory)) as group:
        yield group


@pytest.fixture
def client(group: Group) -> Iterator[redis.Redis]:
    with connect(group.url) as client:
        yield client


def services(client: redis.Redis) -> set[str]:
    loaded = load(client, KEYS)
    return set() if loaded is None else set(loaded.state.services)


def publish(publisher: Publisher, name: str) -> bool:
    with suppress(redis.RedisError):
        publisher.publish(Configuration(services={name: Service(name)}))
        return True
    return False


def test_publishing_reading_and_subscribing_work(group: Group, client: redis.Redis) -> None:
    pubsub = client.pubsub()
    pubsub.subscribe(KEYS.changes)
    assert pubsub.get_message(timeout=60) is not None
    assert publish(Publisher(client, KEYS), "a")
    assert services(client) == {"a"}
    message = pubsub.get_message(timeout=60)
    assert message is not None
    assert message["type"] == "message"
    pubsub.close()
    assert group.master().execute("HLEN", KEYS.services) == 1


def test_after_the_masters_death_the_new_master_is_found(group: Group, client: redis.Redis) -> None:
    publisher = Publisher(client, KEYS)
    assert publish(publisher, "before")
    dead = group.master()
    dead.kill()
    until(lambda: publish(publisher, "after"), "a publication", timeout=FAILOVER)
    assert services(client) == {"after"}
    master = group.master()
    assert master is not dead
    # The old master still considers itself the master for a while.
    dead.start()
    assert publish(publisher, "then")
    assert master.execute("HKEYS", KEYS.services) == [b"then"]


def test_connections_leave_a_frozen_master_once_another_is_known(group: Group, client: redis.Redis) -> None:
    publisher = Publisher(client, KEYS)
    assert publish(publisher, "before")
    frozen = group.master()
    frozen.freeze()
    try:
        until(lambda: group.master() is not frozen, "the failover", timeout=FAILOVER)
        with connect(group.url) as other, suppress(redis.RedisError):
            other.ping()
    finally:
        frozen.thaw()

    def published() -> bool:
        with suppress(redis.RedisError):
            publisher.is_intact()
        return publish(publisher, "after") and group.master().execute("HKEYS", KEYS.services) == [b"after"]

    # Until it learns of the failover, the old master and its connections consider it the master.
    until(published, "a publication at the new master", timeout=FAILOVER)
    assert services(client) == {"after"}


def test_connections_reopen_once_one_of_them_finds_the_new_master(group: Group, client: redis.Redis) -> None:
    pool = client.connection_pool
    idle, used = separate_connection(pool), separate_connection(pool)
    dead = group.master()
    dead.kill()

    def used_again() -> bool:
        with suppress(redis.RedisError):
            used.disconnect()
            used.connect()
            return True
        return False

    until(used_again, "the new master", timeout=FAILOVER)
    dead.start()
    idle.send_command("ROLE")
    assert idle.read_response()[0] == b"master"
    assert idle.port == used.port != dead.port
    # After its start, the old server calls itself master until it learns of the new one.
    until(lambda: group.master().port == idle.port, "the group to agree", timeout=FAILOVER)
    for connection in (idle, used):
        connection.disconnect()


def test_an_unreachable_host_in_the_url_is_skipped(group: Group) -> None:
    closed_port = free_port()
    url = group.url.replace("://", f"://127.0.0.1:{closed_port},")
    with connect(url) as client:
        assert publish(Publisher(client, KEYS), "a")


def test_without_any_reachable_host_the_error_says_so(group: Group) -> None:
    port = free_port()
    kind = group.url.partition("+")[2].partition(":")[0]
    with (
        connect(f"redis+{kind}://127.0.0.1:{port}/{'main' if kind == 'sentinel' else ''}") as client,
        pytest.raises(redis.ConnectionError, match=rf"the master of the store is not found.*{port}"),
    ):
        client.ping()


def test_an_unknown_master_name_is_reported() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="rp-") as directory,
        Sentinels(Path(directory)) as group,
        connect(group.url.replace("mymaster", "another")) as client,
        pytest.raises(redis.ConnectionError, match="knows no master"),
    ):
        client.ping()


@pytest.mark.parametrize("kind", [Sentinels, Cluster])
def test_all_connections_use_passwords_and_certificates(kind: type[Group]) -> None:
    with tempfile.TemporaryDirectory(prefix="rp-") as directory:
        certificate = write_certificate(Path(directory) / "store.pem")
        with kind(Path(directory), certificate=certificate, password="secret") as group:
            with connect(group.url) as client:
                assert publish(Publisher(client, KEYS), "a")
                assert services(client) == {"a"}
            without_certificate = group.url.rpartition("&")[0]
            with connect(without_certificate) as client:
                assert not publish(Publisher(client, KEYS), "b")
