"""Addresses of ZooKeeper servers."""

from pathlib import Path

import pytest

from discovery.providers.zookeeper_client.endpoint import endpoints_of
from rondpoint.settings import ZooKeeperOptions
from rondpoint.settings.tree.section import read_section


def options(*addresses: str, **more: object) -> ZooKeeperOptions:
    return read_section(ZooKeeperOptions, {"endpoints": addresses, **more})


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("zk1.test:2182", "zk1.test:2182"),
        ("zk1.test", "zk1.test:2181"),
        ("[::1]:2182", "[::1]:2182"),
        ("10.0.0.1", "10.0.0.1:2181"),
    ],
)
def test_an_address(address: str, shown: str) -> None:
    assert [str(each) for each in endpoints_of(options(address))] == [shown]


def test_without_addresses_the_server_is_on_this_machine() -> None:
    assert [str(each) for each in endpoints_of(options())] == ["127.0.0.1:2181"]


def test_all_servers_get_the_same_user() -> None:
    found = endpoints_of(options("a", "b:1", username="ann", password="pw"))
    assert [(str(each), each.username, each.password) for each in found] == [
        ("a:2181", "ann", "pw"),
        ("b:1", "ann", "pw"),
    ]


@pytest.mark.parametrize("address", [":2181", "a:b", "a:99999", "a/traefik", "zk://a:2181", "u:pw@a"])
def test_a_bad_address_is_named(address: str) -> None:
    with pytest.raises(
        ValueError, match=r"ZooKeeper's address '.+' (is not host:port|has no usable port)"
    ) as error:
        endpoints_of(options(address))
    assert "pw" not in str(error.value)


def test_a_missing_file_for_tls_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"the files of providers.zooKeeper.tls cannot be used: .*No such file"
    ):
        endpoints_of(options("a", tls={"ca": str(tmp_path / "missing.pem")}))


def test_tls_without_a_trusted_certificate() -> None:
    (strict,) = endpoints_of(options("a", tls={}))
    (lax,) = endpoints_of(options("a", tls={"insecureSkipVerify": True}))
    assert strict.tls is not None
    assert lax.tls is not None
    assert (strict.tls.check_hostname, lax.tls.check_hostname) == (True, False)
