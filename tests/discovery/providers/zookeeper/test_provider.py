"""The provider on a real ZooKeeper: layouts, changes, aliases, rights and TLS."""

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

from discovery.providers.key_value import KeyUpdate, KeyValueProvider
from discovery.providers.zookeeper import ZooKeeperKeys, zookeeper_provider
from rondpoint.configuration import Configuration
from rondpoint.settings import ZooKeeperOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.certificate import write_certificate
from tests.lab.zookeeper import ZooKeeper, put

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client(zookeeper: ZooKeeper) -> Iterator[KazooClient]:
    with zookeeper.client() as running:
        yield running


@pytest.fixture
def root() -> str:
    """A root key for one test."""
    return f"root{next(_numbers)}"


def provider_of(*addresses: str, **options: Any) -> KeyValueProvider:
    return zookeeper_provider(read_section(ZooKeeperOptions, {"endpoints": addresses, **options}))


def v1(root: str, host: str) -> dict[str, str]:
    return {
        f"{root}/backends/b/servers/s/url": "http://10.0.0.1:80",
        f"{root}/frontends/f/backend": "b",
        f"{root}/frontends/f/routes/r/rule": f"Host:{host}",
    }


def v3(root: str, name: str) -> dict[str, str]:
    return {
        f"{root}/http/routers/{name}/rule": f"Host(`{name}.test`)",
        f"{root}/http/routers/{name}/service": name,
        f"{root}/http/routers/{name}/entryPoints/0": "web",
        f"{root}/http/services/{name}/loadBalancer/servers/0/url": "http://10.0.0.2:80",
    }


def has(*rules: str) -> Callable[[Configuration], bool]:
    return lambda found: {router.rule.text for router in found.routers.values()} == set(rules)


def test_both_layouts_side_by_side(zookeeper: ZooKeeper, client: KazooClient, root: str) -> None:
    put(client, {**v1(root, "one.test"), **v3(root, "three")})
    with watched(provider_of(zookeeper.address, rootKey=root)) as running:
        found = running.next()
    assert has("Host:one.test", "Host(`three.test`)")(found)
    router = found.routers["three@zookeeper"]
    assert (router.service, router.entry_points) == ("three@zookeeper", ("web",))
    assert [each.url for each in found.services["b@zookeeper"].servers] == ["http://10.0.0.1:80"]
    assert [each.url for each in found.services["three@zookeeper"].servers] == ["http://10.0.0.2:80"]
    assert found.diagnostics == ()


def test_a_root_key_that_is_created_later(zookeeper: ZooKeeper, client: KazooClient, root: str) -> None:
    with watched(provider_of(zookeeper.address, rootKey=f"/{root}/edge/")) as running:
        assert has()(running.next())
        put(client, v3(f"{root}/edge", "a"))
        running.until(has("Host(`a.test`)"))


def test_znodes_that_are_created_changed_and_deleted(
    zookeeper: ZooKeeper, client: KazooClient, root: str
) -> None:
    put(client, {**v3(root, "a"), **v3(root, "b")})
    with watched(provider_of(zookeeper.address, rootKey=root)) as running:
        before = running.next()
        client.set(f"/{root}/http/routers/a/rule", b"Path(`/a`)")
        found = running.until(has("Path(`/a`)", "Host(`b.test`)"))
        assert found.routers["b@zookeeper"] is before.routers["b@zookeeper"]
        put(client, v3(root, "c"))
        running.until(has("Path(`/a`)", "Host(`b.test`)", "Host(`c.test`)"))
        for name in "abc":
            client.delete(f"/{root}/http/routers/{name}", recursive=True)
            client.delete(f"/{root}/http/services/{name}", recursive=True)
        assert running.until(has()).services.keys() <= {"c@zookeeper"}
    # The znodes above the routers remain, and are empty; so they were at the start.
    assert client.get_children(f"/{root}/http/routers") == []
    with watched(provider_of(zookeeper.address, rootKey=root)) as running:
        assert running.next() == Configuration()


def test_without_watch_the_znodes_are_read_once(zookeeper: ZooKeeper, client: KazooClient, root: str) -> None:
    put(client, v3(root, "a"))
    with watched(provider_of(zookeeper.address, rootKey=root, watch=False)) as running:
        running.until(has("Host(`a.test`)"))
        client.set(f"/{root}/http/routers/a/rule", b"Path(`/a`)")
        assert running.quiet()


def test_an_alias_switches_everything_at_once(zookeeper: ZooKeeper, client: KazooClient, root: str) -> None:
    put(client, {**v1(root, "one.test"), **v1(f"{root}-2", "two.test")})
    with watched(provider_of(zookeeper.address, rootKey=root)) as running:
        running.until(has("Host:one.test"))
        client.create(f"/{root}/alias", f"/{root}-2".encode())
        seen: list[set[str]] = []

        def switched(found: Configuration) -> bool:
            seen.append({router.rule.text for router in found.routers.values()})
            return seen[-1] == {"Host:two.test"}

        running.until(switched)
        assert seen.count({"Host:one.test"}) == len(seen) - 1
        client.set(f"/{root}-2/frontends/f/routes/r/rule", b"Host:three.test")
        running.until(has("Host:three.test"))


def test_an_ephemeral_server_is_gone_with_its_session(
    zookeeper: ZooKeeper, client: KazooClient, root: str
) -> None:
    put(client, v3(root, "a"))
    servers = f"/{root}/http/services/a/loadBalancer/servers"
    with watched(provider_of(zookeeper.address, rootKey=root)) as running:

        def serves(*urls: str) -> Callable[[Configuration], bool]:
            return lambda found: tuple(each.url for each in found.services["a@zookeeper"].servers) == urls

        running.until(serves("http://10.0.0.2:80"))
        with zookeeper.client() as registrant:
            registrant.ensure_path(f"{servers}/1")
            registrant.create(f"{servers}/1/url", b"http://10.0.0.3:80", ephemeral=True)
            running.until(serves("http://10.0.0.2:80", "http://10.0.0.3:80"))
        running.until(serves("http://10.0.0.2:80"))


def test_a_user_reads_what_others_may_not(zookeeper: ZooKeeper, root: str) -> None:
    with zookeeper.client() as writer:
        writer.add_auth("digest", "ann:pw")
        put(writer, v3(root, "a"))
        writer.set_acls(f"/{root}/http/routers/a/rule", [make_digest_acl("ann", "pw", all=True)])
        with watched(provider_of(zookeeper.address, rootKey=root, username="ann", password="pw")) as running:
            running.until(has("Host(`a.test`)"))
        with supervised(provider_of(zookeeper.address, rootKey=root, username="ann", password="?")) as other:
            other.until_failing(f"does not let the agent read /{root}/http/routers/a/rule")
            assert other.configuration == Configuration()


def test_keys_deleted_while_nobody_followed_are_no_lost_data(
    zookeeper: ZooKeeper, client: KazooClient, root: str
) -> None:
    source = ZooKeeperKeys(ZooKeeperOptions(endpoints=(zookeeper.address,)))

    def first_update() -> KeyUpdate:
        updates: list[KeyUpdate] = []
        stop = threading.Event()

        def report(update: KeyUpdate) -> None:
            updates.append(update)
            stop.set()

        source.follow(root, report, stop)
        return updates[0]

    put(client, {f"{root}/a": "1", f"{root}/b": "2"})
    assert first_update() == KeyUpdate({f"{root}/a": b"1", f"{root}/b": b"2"}, whole=True, may_be_reset=True)
    client.delete(f"/{root}/b")
    assert first_update() == KeyUpdate({f"{root}/a": b"1"}, whole=True)
    client.delete(f"/{root}", recursive=True)
    assert first_update() == KeyUpdate({}, whole=True, may_be_reset=True)


def test_tls_with_a_client_certificate(tmp_path: Path) -> None:
    ours, other = (write_certificate(tmp_path / f"{name}.pem") for name in ("ours", "other"))
    with ZooKeeper(tmp_path, certificate=ours) as server:
        server.put(v3("traefik", "a"))
        tls = {"ca": str(ours), "cert": str(ours)}
        with watched(provider_of(server.secure_address, tls=tls)) as running:
            running.until(has("Host(`a.test`)"))
        with supervised(provider_of(server.secure_address, tls={"ca": str(other)})) as distrustful:
            distrustful.until_failing("certificate verify failed")
        with supervised(provider_of(server.secure_address)) as plain:
            plain.until_failing(f"ZooKeeper at {server.secure_address} has closed the connection")
