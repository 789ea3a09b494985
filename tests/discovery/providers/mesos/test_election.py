"""The leading master as a real ZooKeeper shows it; the masters are stand-ins (`tests/lab/mesos.py`)."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient

from discovery.providers.errors import ProviderError
from discovery.providers.mesos import MesosProvider
from discovery.providers.mesos.election import MasterElection
from discovery.providers.mesos.endpoint import Election
from discovery.providers.zookeeper_client import session as sessions
from rondpoint.settings import MesosOptions
from tests.discovery.providers.mesos.test_provider import has
from tests.discovery.providers.supervised import supervised
from tests.lab.mesos import Mesos
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.lab.zookeeper import ZooKeeper

_PATHS = (f"/election/{number}" for number in itertools.count())


@pytest.fixture
def path() -> str:
    """A path that does not exist in ZooKeeper yet."""
    return next(_PATHS)


@pytest.fixture
def client(zookeeper: ZooKeeper) -> Iterator[KazooClient]:
    with zookeeper.client() as connected:
        yield connected


def stand(client: KazooClient, path: str, address: str) -> str:
    """Have a master stand for election, as Mesos does; return its znode."""
    host, _, port = address.rpartition(":")
    data = json.dumps({"address": {"hostname": "m.test", "ip": host, "port": int(port)}}).encode()
    # Mesos's znodes are ephemeral; a session of this client could end in a test that freezes the server.
    return str(client.create(f"{path}/json.info_", data, sequence=True, makepath=True))


def election(zookeeper: ZooKeeper, path: str) -> MasterElection:
    return MasterElection(Election((zookeeper.address,), path), "http")


def test_the_leading_master_is_followed(zookeeper: ZooKeeper, client: KazooClient, path: str) -> None:
    with Mesos() as first, Mesos() as second:
        first.put("web", 1)
        second.put("web", 2)
        provider = MesosProvider(MesosOptions(endpoint=(f"zk://{zookeeper.address}{path}",)))
        with supervised(provider) as running:
            # No master stands for election yet; not even the path exists.
            znode = stand(client, path, first.address)
            running.until(has(web=[1]))
            stand(client, path, second.address)
            first.put("web", 1, 3)
            running.until(has(web=[1, 3]))
            client.delete(znode)
            running.until(has(web=[2]))
            second.put("web", 2, 4)
            running.until(has(web=[2, 4]))
            assert running.states.faults == []


def test_the_master_is_over_when_another_one_leads(
    zookeeper: ZooKeeper, client: KazooClient, path: str
) -> None:
    znode = stand(client, path, "10.0.0.1:5050")
    with election(zookeeper, path) as masters:
        first = masters.leading(60)
        assert first is not None
        assert first.url == "http://10.0.0.1:5050"
        stand(client, path, "10.0.0.2:5050")
        client.delete(znode)
        assert first.over.wait(60)
        until(
            lambda: (found := masters.leading(60)) and found.url == "http://10.0.0.2:5050", "the second one"
        )
        second = masters.leading(60)
        masters.close()
        assert second is not None
        assert second.over.is_set()
        assert masters.leading(60) is None


def test_without_a_master_that_stands_for_election(zookeeper: ZooKeeper, path: str) -> None:
    with election(zookeeper, path) as masters, pytest.raises(ProviderError, match=f"has none below {path}"):
        masters.leading(0.1)


def test_masters_that_write_no_json(zookeeper: ZooKeeper, client: KazooClient, path: str) -> None:
    client.create(f"{path}/info_0000000001", b"\x0a\x01", makepath=True)
    with election(zookeeper, path) as masters, pytest.raises(ProviderError, match=r"older than Mesos 0\.24"):
        masters.leading(60)


def test_without_zookeeper_there_is_no_master_at_first() -> None:
    servers = tuple(f"127.0.0.1:{free_port()}" for _ in range(2))
    unreachable = pytest.raises(ProviderError, match=f"{servers[1]} cannot be reached")
    with MasterElection(Election(servers, "/mesos"), "http") as masters, unreachable:
        masters.leading(60)


def test_without_zookeeper_the_last_known_master_stays(
    zookeeper: ZooKeeper,
    client: KazooClient,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sessions, "SESSION_TIMEOUT", 0.5)
    caplog.set_level(logging.WARNING)
    znode = stand(client, path, "10.0.0.1:5050")
    with election(zookeeper, path) as masters:
        first = masters.leading(60)
        assert first is not None
        zookeeper.freeze()
        try:
            until(lambda: "http://10.0.0.1:5050 is still followed" in caplog.text, "a fault of ZooKeeper")
            assert masters.leading(60) is first
            assert not first.over.is_set()
        finally:
            zookeeper.thaw()
        client.delete(znode)
        assert first.over.wait(60)
