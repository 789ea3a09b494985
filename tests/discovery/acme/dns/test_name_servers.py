"""Tests of queries to name servers."""

from collections.abc import Iterator

import dns.resolver
import pytest

from discovery.acme.dns.errors import ConfigurationError, QueryError
from discovery.acme.dns.name_servers import NameServer, NameServers, parse_name_server, system_name_servers
from tests.discovery.acme.dns.name_server import ZONE, StandInNameServer


@pytest.fixture
def server() -> Iterator[StandInNameServer]:
    with StandInNameServer(ZONE) as running:
        yield running


def asking(*servers: StandInNameServer, timeout: float = 5.0) -> NameServers:
    known = [NameServer(f"server-{each.port}", (each.address,), each.port) for each in servers]
    return NameServers(known, authoritative_port=servers[0].port, timeout=timeout)


@pytest.mark.parametrize(
    ("written", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("::1", "::1", 53),
        ("[::1]:5353", "::1", 5353),
        ("[::1]", "::1", 53),
        (" localhost:54 ", "127.0.0.1", 54),
    ],
)
def test_name_servers_are_written_with_or_without_port(written: str, address: str, port: int) -> None:
    parsed = parse_name_server(written)
    assert address in parsed.addresses
    assert parsed.port == port


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("127.0.0.1:dns", "'dns' is not a port"),
        ("127.0.0.1:0", "'0' is not a port"),
        ("127.0.0.1:70000", "'70000' is not a port"),
        ("no-such-host.invalid", "cannot resolve no-such-host.invalid"),
        (f"{'a' * 64}.test", "cannot resolve"),
    ],
)
def test_wrong_name_servers_are_errors(written: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        parse_name_server(written)


def test_aliases_are_followed_to_their_end(server: StandInNameServer) -> None:
    server.records += ["a.example.test. CNAME b.example.test.", "b.example.test. CNAME C.other.test."]
    assert asking(server).follow_aliases("a.example.test.") == "c.other.test."
    assert asking(server).follow_aliases("x.example.test.") == "x.example.test."


def test_a_circle_of_aliases_is_an_error(server: StandInNameServer) -> None:
    server.records += ["a.example.test. CNAME b.example.test.", "b.example.test. CNAME a.example.test."]
    with pytest.raises(
        QueryError, match=r"form a circle: a\.example\.test\. → b\.example\.test\. → a\.example\.test\."
    ):
        asking(server).follow_aliases("a.example.test.")


def test_the_zone_of_a_name_is_its_longest_parent_with_an_soa_record(server: StandInNameServer) -> None:
    servers = asking(server)
    assert servers.find_zone("_acme-challenge.deep.example.test.") == "example.test."
    assert servers.find_zone("example.test.") == "example.test."


def test_an_alias_is_no_zone(server: StandInNameServer) -> None:
    server.records.append("a.example.test. CNAME elsewhere.test.")
    assert asking(server).find_zone("a.example.test.") == "example.test."


def test_a_name_without_zone_is_an_error(server: StandInNameServer) -> None:
    with pytest.raises(QueryError, match=r"no zone of a\.other\. was found"):
        asking(server).find_zone("a.other.")


def test_the_name_servers_of_a_zone_have_addresses(server: StandInNameServer) -> None:
    server.records += ["example.test. NS NS2.example.test.", "ns2.example.test. A 127.0.0.2"]
    server.records += ["ns2.example.test. AAAA ::1"]
    found = asking(server).authoritative("example.test.")
    assert [(each.name, each.addresses) for each in found] == [
        ("ns.example.test.", ("127.0.0.1",)),
        ("ns2.example.test.", ("127.0.0.2", "::1")),
    ]


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ("empty.test. TXT x", "zone empty.test. has no NS records"),
        ("empty.test. NS ns.nowhere.test.", "name server ns.nowhere.test. has no address"),
    ],
)
def test_a_zone_without_reachable_name_servers_is_an_error(
    server: StandInNameServer, record: str, error: str
) -> None:
    server.records.append(record)
    with pytest.raises(QueryError, match=error):
        asking(server).authoritative("empty.test.")


def test_texts_are_joined_from_their_parts_and_asked_without_recursion(server: StandInNameServer) -> None:
    server.records += ['a.example.test. TXT "one" "two"', 'a.example.test. TXT "three"']
    servers = asking(server)
    known = servers.recursive[0]
    assert sorted(servers.texts("a.example.test.", known, recursive=False)) == ["onetwo", "three"]
    assert servers.texts("b.example.test.", known, recursive=True) == []
    assert server.recursion == [False, True]


def test_an_error_of_a_server_is_no_missing_record(server: StandInNameServer) -> None:
    server.failing.add("a.example.test.")
    servers = asking(server)
    with pytest.raises(QueryError, match=r"answers SERVFAIL for a\.example\.test\."):
        servers.texts("a.example.test.", servers.recursive[0], recursive=False)
    with pytest.raises(QueryError, match=r"SERVFAIL for the SOA record of a\.example\.test\. by server-"):
        servers.find_zone("a.example.test.")


def test_the_next_server_is_asked_if_one_is_silent(server: StandInNameServer) -> None:
    with StandInNameServer() as silent:
        silent.silent = True
        assert asking(silent, server, timeout=0.1).find_zone("a.example.test.") == "example.test."
        with pytest.raises(QueryError, match=rf"server-{silent.port} .* does not answer .* within 0.1 s"):
            asking(silent, timeout=0.1).find_zone("a.example.test.")


def test_queries_go_over_tcp_alone_if_a_variable_says_so(
    server: StandInNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGO_EXPERIMENTAL_DNS_TCP_ONLY", "true")
    # The server does not listen on TCP.
    with pytest.raises(QueryError, match="does not answer"):
        asking(server).find_zone("example.test.")
    assert server.asked == []


def test_the_machine_s_name_servers_are_those_of_resolv_conf(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(resolver: dns.resolver.Resolver, _path: str) -> None:
        resolver.nameservers = ["192.0.2.1", "2001:db8::1"]

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", read)
    assert [(each.name, each.addresses, each.port) for each in system_name_servers()] == [
        ("192.0.2.1", ("192.0.2.1",), 53),
        ("2001:db8::1", ("2001:db8::1",), 53),
    ]


def test_a_machine_without_name_servers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_resolver: dns.resolver.Resolver, _path: str) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", read)
    with pytest.raises(ConfigurationError, match="no name servers") as caught:
        system_name_servers()
    assert caught.value.hint == "name some in dnsChallenge.resolvers"
