"""Tests of providers through dns-lexicon: with PowerDNS, and with a stand-in for an API that fails."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from discovery.acme.dns.errors import ConfigurationError, ProviderError
from discovery.acme.dns.providers.contract import DnsProvider
from discovery.acme.dns.providers.lexicon import relative_name
from tests.discovery.acme.dns.http_server import StandInHttpServer
from tests.discovery.acme.dns.name_server import ZONE, StandInNameServer
from tests.discovery.acme.dns.providing import provider, record
from tests.lab.bind import texts
from tests.lab.power_dns import API_KEY, PowerDns


@pytest.fixture
def names() -> Iterator[StandInNameServer]:
    with StandInNameServer(ZONE) as running:
        yield running


@pytest.fixture
def failing() -> Iterator[StandInHttpServer]:
    with StandInHttpServer(lambda request: (401, {"error": request.headers["x-api-key"]})) as running:
        yield running


def real(server: PowerDns, **variables: str) -> DnsProvider:
    known = {"PDNS_API_URL": server.url, "PDNS_API_KEY": API_KEY}
    return provider("pdns", {**known, **variables}, servers=server.address)


def test_a_name_and_its_wildcard_have_a_value_each_at_the_same_time(power_dns: PowerDns) -> None:
    made = real(power_dns)
    base, wildcard = record("a.power.test", "one"), record("a.power.test", "two")
    made.present(base)
    made.present(wildcard)
    made.present(wildcard)
    assert texts(power_dns.port, base.name) == sorted([base.value, wildcard.value])
    made.clean_up(base)
    assert texts(power_dns.port, base.name) == [wildcard.value]
    made.clean_up(wildcard)
    made.clean_up(wildcard)
    assert texts(power_dns.port, base.name) == []


def test_calls_at_the_same_time_lose_no_value(power_dns: PowerDns) -> None:
    # The API replaces all values of a name, so calls have to take turns.
    presented = [record("at-once.power.test", f"token-{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda each: real(power_dns).present(each), presented))
    assert texts(power_dns.port, presented[0].name) == sorted(each.value for each in presented)


def test_variables_of_dns_lexicon_itself_have_no_effect(
    power_dns: PowerDns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEXICON_POWERDNS_AUTH_TOKEN", "other")
    monkeypatch.setenv("LEXICON_POWERDNS_PDNS_SERVER", "http://127.0.0.1:1")
    real(power_dns).present(record("own.power.test"))
    assert texts(power_dns.port, record("own.power.test").name) == [record().value]


def test_a_refused_key_is_an_error_that_names_the_variables(power_dns: PowerDns) -> None:
    made = real(power_dns, PDNS_API_KEY="of another server")
    with pytest.raises(ProviderError, match=r"^pdns: create _acme-.*\.power\.test\. failed: 401 ") as caught:
        made.present(record("refused.power.test"))
    assert caught.value.hint == "check PDNS_API_KEY, PDNS_API_URL, and what they allow"


def test_an_error_holds_no_secret(failing: StandInHttpServer, names: StandInNameServer) -> None:
    # Some services have the key in the URL.
    variables = {"PDNS_API_URL": f"{failing.url}/secret/", "PDNS_API_KEY": "secret"}
    made = provider("pdns", variables, servers=f"127.0.0.1:{names.port}")
    with pytest.raises(ProviderError, match=r"failed: 401 Client Error: .*/\*\*\*/api/v1") as caught:
        made.present(record())
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_call_that_hangs_is_given_up(failing: StandInHttpServer, names: StandInNameServer) -> None:
    failing.hanging.set()
    # Four requests have time, each of them 0.
    variables = {"PDNS_API_URL": failing.url, "PDNS_API_KEY": "secret", "PDNS_HTTP_TIMEOUT": "0"}
    made = provider("pdns", variables, servers=f"127.0.0.1:{names.port}")
    with pytest.raises(ProviderError, match=r"^pdns: create .* did not finish within 0 s"):
        made.present(record())


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
