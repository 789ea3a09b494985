"""The provider when ZooKeeper goes away, comes back with or without its data, freezes, or loses a server."""

from pathlib import Path

import pytest

from discovery.providers.zookeeper_client import session
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.zookeeper.test_provider import has, provider_of, v3
from tests.lab.waiting import until
from tests.lab.zookeeper import ZooKeeper

A, B, C = (f"Host(`{name}.test`)" for name in "abc")


def test_routes_outlive_an_outage_and_changes_after_it_are_followed(tmp_path: Path) -> None:
    server = ZooKeeper(tmp_path, keep=True)
    with supervised(provider_of(server.address)) as running:
        # It starts before ZooKeeper does.
        running.until_failing(f"ZooKeeper at {server.address} cannot be reached")
        with server:
            server.put(v3("traefik", "a"))
            running.until(has(A))
            server.kill()
            until(lambda: running.state == "retrying", "a failure")
            assert has(A)(running.configuration)
            server.start()
            running.until_ok()
            assert has(A)(running.configuration)
            server.put(v3("traefik", "b"))
            running.until(has(A, B))


def test_routes_outlive_the_loss_of_all_data(tmp_path: Path) -> None:
    with ZooKeeper(tmp_path) as server:
        server.put({**v3("traefik", "a"), **v3("traefik", "b")})
        with supervised(provider_of(server.address)) as running:
            running.until(has(A, B))
            server.restart()
            running.until_failing(f"ZooKeeper at {server.address} ")
            running.until_ok()
            assert has(A, B)(running.configuration)
            server.put(v3("traefik", "c"))
            running.until(has(A, B, C))


def test_another_server_is_followed_when_one_fails_or_freezes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SESSION_TIMEOUT", 1.0)
    with ZooKeeper(tmp_path) as one, ZooKeeper(tmp_path) as two:
        for server, name in ((one, "b"), (two, "c")):
            # Two servers of one ensemble would have the same routes; here a route of its own shows each.
            server.put({**v3("traefik", "a"), **v3("traefik", name)})
        with supervised(provider_of(one.address, two.address)) as running:
            running.until(has(A, B))
            one.freeze()
            running.until(lambda found: "c@zookeeper" in found.routers)
            one.thaw()
            two.kill()
            one.put(v3("traefik", "d"))
            running.until(lambda found: "d@zookeeper" in found.routers)


def test_the_provider_stops_while_a_server_does_not_answer(zookeeper: ZooKeeper) -> None:
    with supervised(provider_of(zookeeper.address)) as running:
        until(lambda: running.state == "ok", "the provider")
        zookeeper.freeze()
        try:
            running.stop.set()
            running.thread.join(5)
            assert not running.thread.is_alive()
        finally:
            zookeeper.thaw()
