"""Agents that obtain certificates from a real CA, and what may happen to store, CA and leader meanwhile."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from discovery.acme.planning import schedule
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Router
from rondpoint.rules.expression import Match, Rule
from rondpoint.settings import Settings
from rondpoint.settings.tree.certificates_resolvers import (
    CertificatesResolver,
    HttpChallenge,
    ResolverOptions,
)
from rondpoint.settings.tree.installation import Store as StoreSettings
from rondpoint.store.acme import AcmeState, read_outcomes, read_states
from rondpoint.store.read import load, read_diagnostics
from rondpoint.tls.model import Certificate
from tests.discovery.acme.challenge_server import ChallengeServer
from tests.discovery.running import KEYS, ScriptedProvider, a_configuration, running_agent
from tests.lab.pebble import DnsServer, Pebble
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with store.client() as client:
        yield client


@pytest.fixture(scope="module")
def short_lived(dns_server: DnsServer, tmp_path_factory: pytest.TempPathFactory) -> Pebble:
    """A CA whose certificates last nine seconds; it is not started."""
    directory = tmp_path_factory.mktemp("short-lived")
    return Pebble(directory, dns_server.address, settings={"certificateValidityPeriod": 9})


def settings_for(ca: Pebble, secret: str = "") -> Settings:
    options = ResolverOptions(
        ca_server=ca.directory_url,
        ca_certificates=(str(ca.certificate),),
        storage="",
        key_type="EC256",
        http_challenge=HttpChallenge(entry_point="web"),
    )
    resolvers = {"le": CertificatesResolver(acme=options)}
    return Settings(certificates_resolvers=resolvers, store=StoreSettings(secret=secret))


def configuration(*hosts: str, resolver: str = "le") -> Configuration:
    """Return a configuration with a router and a service for each host, which may be several with commas."""
    plain = a_configuration("docker", "any")
    service = plain.services["any@docker"]
    routers = {}
    for number, host in enumerate(hosts):
        values = tuple(host.split(","))
        rule = Rule(" || ".join(f"Host(`{value}`)" for value in values), Match("Host", values))
        name = f"router{number}@docker"
        routers[name] = Router(name, rule, service.name, 5, tls=True, cert_resolver=resolver)
    return Configuration(routers, {service.name: service})


def certificates(client: redis.Redis) -> dict[tuple[str, ...], Certificate]:
    """Return the published certificates by their names; none while the store is down."""
    try:
        loaded = load(client, KEYS)
    except redis.ConnectionError:
        return {}
    found = loaded.state.certificates.values() if loaded else ()
    return {tuple(sorted(each.names)): each for each in found}


def wait_for_certificates(client: redis.Redis, *names: tuple[str, ...]) -> dict[tuple[str, ...], Certificate]:
    until(lambda: certificates(client).keys() == set(names), f"certificates for {names}")
    return certificates(client)


def states(client: redis.Redis) -> dict[str, AcmeState]:
    return {state.domain.main: state for state in read_states(client, KEYS).values()}


def diagnostics(client: redis.Redis) -> tuple[Diagnostic, ...]:
    return read_diagnostics(client, KEYS)


def test_two_agents_order_each_certificate_once_and_nothing_after_a_restart(
    store: Store, client: redis.Redis, pebble: Pebble
) -> None:
    orders, accounts = pebble.order_count, pebble.account_count
    wanted = configuration("one.agents.test,two.agents.test", "three.agents.test", "two.agents.test")
    names = (("one.agents.test", "two.agents.test"), ("three.agents.test",))
    published = {}
    for _ in range(2):
        with ChallengeServer(pebble.http_port, store), ExitStack() as agents:
            for _ in range(2):
                provider = ScriptedProvider("docker")
                settings = settings_for(pebble, "0123456789abcdef0123456789abcdef")
                agents.enter_context(running_agent(store, provider, settings=settings))
                provider.send(wanted)
            published = wait_for_certificates(client, *names)
            until(lambda: all(state.ask_at for state in states(client).values()), "a question about renewal")
    for certificate in published.values():
        assert certificate.name.endswith("@acme")
        assert (certificate.resolver, certificate.source, certificate.key_type) == ("le", "acme le", "EC256")
        assert certificate.key.startswith("sealed:v1:")
    assert (pebble.order_count - orders, pebble.account_count - accounts) == (2, 1)
    assert not client.hgetall(KEYS.acme_orders)
    stored = [client.hgetall(KEYS.acme_accounts), client.hgetall(KEYS.acme_certificates)]
    assert [len(each) for each in stored] == [1, 2]
    assert not [value for each in stored for value in each.values() if b"PRIVATE" in value]


def test_a_name_that_fails_is_reported_and_holds_no_others(
    store: Store,
    client: redis.Redis,
    pebble: Pebble,
    dns_server: DnsServer,
) -> None:
    dns_server.fail("bad.names.test")
    orders = pebble.order_count
    provider = ScriptedProvider("docker")
    with (
        ChallengeServer(pebble.http_port, store),
        running_agent(store, provider, settings=settings_for(pebble)),
    ):
        provider.send(configuration("bad.names.test", "good.names.test", "localhost"))
        wait_for_certificates(client, ("good.names.test",))
        state = until(lambda: _failed(client, "bad.names.test"), "the failure")
        found = until(
            lambda: [each for each in diagnostics(client) if each.source == "acme"], "its diagnostic"
        )
        # A configuration that changes something else orders nothing again.
        provider.send(configuration("bad.names.test", "good.names.test", "localhost", "no.names.test"))
        wait_for_certificates(client, ("good.names.test",), ("no.names.test",))
        dns_server.recover("bad.names.test")
        provider.send(configuration("good.names.test", "no.names.test"))
        until(lambda: "bad.names.test" not in states(client), "the state to be forgotten")
    assert state.failures == 1
    assert 50 < state.next_attempt - time.time() < 100
    assert "bad.names.test" in state.error
    assert [(each.subject, each.about) for each in found] == [
        ("certificate bad.names.test", "router router0@docker")
    ]
    assert "A and AAAA records" in found[0].hint
    assert pebble.order_count - orders == 3
    assert read_outcomes(client, KEYS) == {("le", "obtained"): 2, ("le", "names"): 1}


def _failed(client: redis.Redis, name: str) -> AcmeState | None:
    state = states(client).get(name)
    return state if state is not None and state.error else None


def test_an_unknown_resolver_and_a_useless_name_are_reported_with_their_router(
    store: Store, client: redis.Redis
) -> None:
    provider = ScriptedProvider("docker")
    with running_agent(store, provider):
        provider.send(configuration("a.test", resolver="lets"))
        found = until(lambda: diagnostics(client), "diagnostics")
    assert [(each.source, each.subject) for each in found] == [("docker", "router router0@docker")]
    assert "'lets'" in found[0].message


def test_a_ca_that_is_down_is_tried_again_and_certificates_are_renewed_before_they_end(
    store: Store, client: redis.Redis, short_lived: Pebble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "FIRST_OUTAGE_RETRY", 0.2)
    provider = ScriptedProvider("docker")
    with (
        ChallengeServer(short_lived.http_port, store),
        running_agent(store, provider, settings=settings_for(short_lived)),
    ):
        provider.send(configuration("down.test"))
        state = until(lambda: _failed(client, "down.test"), "the failure")
        assert "cannot be reached" in state.error
        with short_lived:
            (first,) = wait_for_certificates(client, ("down.test",)).values()
            until(lambda: not diagnostics(client), "no diagnostic any more")
            second = until(lambda: _other(client, first), "another certificate", timeout=20)
    assert time.time() < first.not_after
    assert second.not_after > first.not_after


def _other(client: redis.Redis, known: Certificate) -> Certificate | None:
    return next((each for each in certificates(client).values() if each.name != known.name), None)


def test_a_store_that_comes_back_empty_during_an_order_loses_nothing(
    store: Store, client: redis.Redis, pebble: Pebble
) -> None:
    orders, accounts = pebble.order_count, pebble.account_count
    provider = ScriptedProvider("docker")
    with running_agent(store, provider, settings=settings_for(pebble)):
        with ChallengeServer(pebble.http_port, store):
            provider.send(configuration("first.store.test"))
            wait_for_certificates(client, ("first.store.test",))
        with ChallengeServer(pebble.http_port, store, store.restart):
            provider.send(configuration("first.store.test", "second.store.test"))
            wait_for_certificates(client, ("first.store.test",), ("second.store.test",))
        until(lambda: len(client.hgetall(KEYS.acme_certificates)) == 2, "both in the store")
        assert len(client.hgetall(KEYS.acme_accounts)) == 1
    assert (pebble.order_count - orders, pebble.account_count - accounts) == (2, 1)


def test_the_next_leader_finishes_the_order_of_a_killed_one(
    store: Store, client: redis.Redis, pebble: Pebble, processes: Processes, tmp_path: Path
) -> None:
    orders, issued = pebble.order_count, pebble.issued_count
    rules = tmp_path / "routes.yml"
    rules.write_text(
        "http:\n  routers:\n    killed: {rule: Host(`killed.test`), service: s, tls: {certResolver: le}}\n"
        "  services: {s: {loadBalancer: {servers: [{url: http://127.0.0.1:9}]}}}\n"
    )
    flags = (
        f"--redis.url={store.url}",
        f"--providers.file.filename={rules}",
        f"--certificatesResolvers.le.acme.caServer={pebble.directory_url}",
        f"--certificatesResolvers.le.acme.caCertificates={pebble.certificate}",
        "--certificatesResolvers.le.acme.keyType=EC256",
        "--certificatesResolvers.le.acme.httpChallenge.entryPoint=web",
        f"--certificatesResolvers.le.acme.storage={tmp_path / 'acme.json'}",
    )
    first = processes("rondpoint", "agent", *flags)
    with ChallengeServer(pebble.http_port, store, first.kill):
        until(lambda: not first.running, "the death of the leader")
        processes("rondpoint", "agent", *flags)
        wait_for_certificates(client, ("killed.test",))
    assert (pebble.order_count - orders, pebble.issued_count - issued) == (1, 1)
    assert "killed.test" in (tmp_path / "acme.json").read_text()
