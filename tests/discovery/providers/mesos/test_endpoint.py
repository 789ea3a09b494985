"""Where the masters are, as the settings write it."""

from __future__ import annotations

import pytest

from discovery.providers.errors import ProviderError
from discovery.providers.mesos.election import leading_candidate, master_address
from discovery.providers.mesos.endpoint import Election, parse_endpoint

ENDPOINTS: dict[str, tuple[tuple[str, ...], bool, object]] = {
    "a URL": (("http://a:5050/",), False, ("http://a:5050",)),
    "a URL with a path": (("https://a/mesos/",), False, ("https://a/mesos",)),
    "hosts": (("a:5051", "b", "[::1]"), False, ("http://a:5051", "http://b:5050", "http://[::1]:5050")),
    "a host with TLS": (("a",), True, ("https://a:5050",)),
    "ZooKeeper": (("zk://a:2181", "b:2181/mesos"), False, Election(("a:2181", "b:2181"), "/mesos")),
    "ZooKeeper with a login": (
        ("zk://u:p@a/x/mesos/",),
        False,
        Election(("a",), "/x/mesos", "u", "p"),
    ),
}


@pytest.mark.parametrize(("written", "tls", "expected"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_an_endpoint(written: tuple[str, ...], tls: bool, expected: object) -> None:
    assert parse_endpoint(written, tls=tls) == expected


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ((), "is empty"),
        (("ftp://a",), "'ftp://a' is not host:port"),
        (("http://u:p@a:x",), "'a:x' is not host:port"),
        (("a?b",), "'a\\?b' is not host:port"),
        (("zk://u:p@a:2181",), "zk://a:2181 is not zk://host:port,host:port/path"),
        (("zk:///mesos",), "zk:///mesos is not"),
    ],
    ids=["none", "scheme", "port", "query", "no path", "no servers"],
)
def test_an_unusable_endpoint(written: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_endpoint(written, tls=False)


@pytest.mark.parametrize(
    ("names", "leader"),
    [
        ([], None),
        (["log_replicas", "info_0000000001"], None),
        (["json.info_0000000012", "json.info_0000000003", "log_replicas"], "json.info_0000000003"),
        (["json.info_9", "json.info_10"], "json.info_9"),
    ],
    ids=["none", "no candidates", "the lowest number", "numbers, not texts"],
)
def test_the_candidate_with_the_lowest_number_leads(names: list[str], leader: str | None) -> None:
    assert leading_candidate(names) == leader


@pytest.mark.parametrize(
    ("data", "address"),
    [
        (
            b'{"address":{"hostname":"m","ip":"10.0.0.1","port":5050},"pid":"master@1.1.1.1:1"}',
            "10.0.0.1:5050",
        ),
        (b'{"address":{"ip":"fd00::1","port":5050}}', "[fd00::1]:5050"),
        (b'{"ip":16777343,"pid":"master@10.0.0.1:5050","port":5050}', "10.0.0.1:5050"),
    ],
    ids=["IPv4", "IPv6", "only a pid"],
)
def test_the_address_of_a_master(data: bytes, address: str) -> None:
    assert master_address(data) == address


@pytest.mark.parametrize(
    ("data", "reason"), [(b"\x0a\x01", "is invalid"), (b"{}", "has no address")], ids=["no JSON", "empty"]
)
def test_a_master_without_an_address(data: bytes, reason: str) -> None:
    with pytest.raises(ProviderError, match=reason):
        master_address(data)
