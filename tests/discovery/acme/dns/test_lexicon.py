"""Tests of providers through dns-lexicon: PowerDNS's, with a stand-in for its API."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from discovery.acme.dns.errors import ConfigurationError, ProviderError
from discovery.acme.dns.providers.contract import DnsProvider
from discovery.acme.dns.providers.lexicon import relative_name
from tests.discovery.acme.dns.http_server import Answer, Request, StandInHttpServer
from tests.discovery.acme.dns.name_server import ZONE, StandInNameServer
from tests.discovery.acme.dns.providing import provider, record

KEY = "api key"


class PowerDns:
    """What PowerDNS's API does with the TXT records of one zone."""

    def __init__(self) -> None:
        self.rrsets: dict[str, dict[str, Any]] = {}

    def answer(self, request: Request) -> Answer:
        if request.headers["x-api-key"] != KEY:
            return 401, {"error": f"unknown key {request.headers['x-api-key']}"}
        if request.path != "/api/v1/servers/localhost/zones/example.test.":
            return 404, {"error": request.path}
        if request.method == "PATCH":
            for rrset in request.body["rrsets"]:
                self.rrsets[rrset["name"]] = rrset
        return 200, {"kind": "Native", "rrsets": list(self.rrsets.values())}

    def texts(self, name: str) -> list[str]:
        return sorted(each["content"].strip('"') for each in self.rrsets[name]["records"])


@pytest.fixture
def names() -> Iterator[StandInNameServer]:
    with StandInNameServer(ZONE) as running:
        yield running


@pytest.fixture
def power_dns() -> PowerDns:
    return PowerDns()


@pytest.fixture
def server(power_dns: PowerDns) -> Iterator[StandInHttpServer]:
    with StandInHttpServer(power_dns.answer) as running:
        yield running


def pdns(server: StandInHttpServer, names: StandInNameServer, **variables: str) -> DnsProvider:
    known = {"PDNS_API_URL": server.url, "PDNS_API_KEY": KEY}
    return provider("pdns", {**known, **variables}, servers=f"127.0.0.1:{names.port}")


def test_a_name_and_its_wildcard_have_a_value_each_at_the_same_time(
    server: StandInHttpServer, names: StandInNameServer, power_dns: PowerDns
) -> None:
    made = pdns(server, names, PDNS_TTL="77")
    base, wildcard = record("a.example.test", "one"), record("a.example.test", "two")
    made.present(base)
    made.present(wildcard)
    assert power_dns.texts(base.name) == sorted([base.value, wildcard.value])
    assert power_dns.rrsets[base.name]["ttl"] == 77
    made.clean_up(base)
    assert power_dns.texts(base.name) == [wildcard.value]
    made.clean_up(wildcard)
    assert power_dns.texts(base.name) == []


def test_an_error_of_the_library_is_an_error_of_the_provider_without_secrets(
    server: StandInHttpServer, names: StandInNameServer
) -> None:
    # The key is in the URL too, as that of some services is.
    made = pdns(server, names, PDNS_API_KEY="other", PDNS_API_URL=f"{server.url}/other")
    with pytest.raises(
        ProviderError, match=r"^pdns: create _acme-challenge\.example\.test\. failed: 401 .*"
    ) as caught:
        made.present(record())
    assert "other" not in str(caught.value)
    assert "/***/api/v1" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_call_that_hangs_is_given_up(server: StandInHttpServer, names: StandInNameServer) -> None:
    server.hanging.set()
    # Four requests have time, each of them 0.
    made = pdns(server, names, PDNS_HTTP_TIMEOUT="0")
    with pytest.raises(ProviderError, match=r"^pdns: create .* did not finish within 0 s"):
        made.present(record())


def test_another_agent_s_variables_of_lexicon_have_no_effect(
    server: StandInHttpServer,
    names: StandInNameServer,
    power_dns: PowerDns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEXICON_PDNS_AUTH_TOKEN", "other")
    monkeypatch.setenv("LEXICON_POWERDNS_PDNS_SERVER", "http://127.0.0.1:1")
    pdns(server, names).present(record())
    assert power_dns.texts(record().name) == [record().value]


def test_calls_at_the_same_time_lose_no_value(
    server: StandInHttpServer, names: StandInNameServer, power_dns: PowerDns
) -> None:
    # The API replaces all values of a name, so calls have to take turns.
    presented = [record(token=f"token-{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda each: pdns(server, names).present(each), presented))
    assert power_dns.texts(record().name) == sorted(each.value for each in presented)


def test_a_missing_package_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lexicon", None)
    with pytest.raises(
        ConfigurationError, match=r"^DNS provider cloudflare needs the package dns-lexicon$"
    ) as caught:
        provider("cloudflare", {"CF_DNS_API_TOKEN": "token"})
    assert caught.value.hint == "install it: pip install 'rondpoint[dns]'"


def test_a_provider_s_missing_packages_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lexicon._private.discovery.find_providers", lambda: {"route53": False})
    with pytest.raises(ConfigurationError, match=r"^DNS provider route53 needs further packages$") as caught:
        provider("route53", {})
    assert caught.value.hint == "install them: pip install 'dns-lexicon[route53]'"
    with pytest.raises(ConfigurationError, match=r"^the installed dns-lexicon has no provider hetzner$"):
        provider("hetzner", {"HETZNER_API_TOKEN": "token"})


@pytest.mark.parametrize(
    ("name", "zone", "relative"),
    [
        ("_acme-challenge.example.test.", "example.test.", "_acme-challenge"),
        ("_acme-challenge.a.example.test.", "example.test.", "_acme-challenge.a"),
        ("_acme-challenge.notexample.test.", "example.test.", "_acme-challenge.notexample.test."),
        ("delegated.test.", "delegated.test.", "delegated.test."),
    ],
)
def test_names_are_relative_to_their_zone(name: str, zone: str, relative: str) -> None:
    assert relative_name(name, zone) == relative
