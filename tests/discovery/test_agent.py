"""The agent as a whole: publication, providers, store outages and the command."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from discovery.contributions.other_contributions import OtherContributions
from discovery.process import publication
from discovery.providers import configured_providers
from discovery.providers.errors import ProviderError
from discovery.supervision import supervisor
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import FileOptions, Providers, Settings
from rondpoint.store import change as messages
from rondpoint.store import unused_tickets
from rondpoint.store.agents import read_agents
from rondpoint.store.change import Change
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load, read_diagnostics
from tests.discovery.running import (
    KEYS,
    ScriptedProvider,
    a_configuration,
    routers,
    running_agent,
    wait_for_routers,
)
from tests.lab.store import Store
from tests.lab.waiting import until


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with store.client() as client:
        yield client


@pytest.fixture
def one() -> ScriptedProvider:
    return ScriptedProvider("one")


@pytest.fixture
def two() -> ScriptedProvider:
    return ScriptedProvider("two")


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "PROVIDER_TIMEOUT", 0.5)
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.05)


def test_all_providers_are_merged_and_each_emit_replaces_its_own_last(
    store: Store, client: redis.Redis, one: ScriptedProvider, two: ScriptedProvider
) -> None:
    with running_agent(store, one, two):
        one.send(a_configuration("one", "a"))
        two.send(a_configuration("two", "b"))
        wait_for_routers(client, "a@one", "b@two")
        one.send(a_configuration("one", "c"))
        wait_for_routers(client, "c@one", "b@two")


def test_a_thread_restarts_after_an_unexpected_exception(
    store: Store, client: redis.Redis, one: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, look = [LookupError("ours")], OtherContributions._poll

    def failing(self: OtherContributions, subscription: Any, now: float) -> None:
        if faults:
            raise faults.pop()
        look(self, subscription, now)

    monkeypatch.setattr(OtherContributions, "_poll", failing)
    with running_agent(store, one):
        one.send(a_configuration("one", "a"))
        wait_for_routers(client, "a@one")
    assert not faults


def test_nothing_is_published_before_every_provider_has_sent_a_configuration(
    store: Store, client: redis.Redis, one: ScriptedProvider, two: ScriptedProvider
) -> None:
    before = Publisher(client, KEYS).publish(a_configuration("two", "kept"))
    with running_agent(store, one, two):
        one.send(a_configuration("one", "a"))
        time.sleep(0.3)
        loaded = load(client, KEYS)
        assert loaded is not None
        assert loaded.state.revision == before
        two.send(a_configuration("two", "b"))
        wait_for_routers(client, "a@one", "b@two")


def test_the_leader_removes_tickets_of_removed_services(
    store: Store, client: redis.Redis, one: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unused_tickets, "RETENTION", 0.0)
    monkeypatch.setattr(unused_tickets, "PAUSE", 0.0)
    with running_agent(store, one):
        one.send(a_configuration("one", "a", "b"))
        wait_for_routers(client, "a@one", "b@one")
        client.hset(KEYS.tickets, mapping={"a@one": 7, "b@one": 7, "old@one": 7})
        until(lambda: set(client.hkeys(KEYS.tickets)) == {b"a@one", b"b@one"}, "the old count removed")
        one.send(a_configuration("one", "a"))
        until(lambda: client.hgetall(KEYS.tickets) == {b"a@one": b"7"}, "b's count removed")


@pytest.mark.usefixtures("short_timeouts")
def test_stored_objects_stay_while_their_provider_sends_nothing(
    store: Store, client: redis.Redis, one: ScriptedProvider, two: ScriptedProvider
) -> None:
    stored = a_configuration("two", "kept")
    old = a_configuration("one", "old")
    Publisher(client, KEYS).publish(
        Configuration({**stored.routers, **old.routers}, {**stored.services, **old.services})
    )
    with running_agent(store, one, two):
        one.send(a_configuration("one", "a"))
        wait_for_routers(client, "a@one", "kept@two")
        two.send(a_configuration("two", "b"))
        wait_for_routers(client, "a@one", "b@two")


@pytest.mark.usefixtures("short_timeouts")
def test_a_failing_provider_keeps_its_last_configuration_and_is_restarted(
    store: Store, client: redis.Redis, one: ScriptedProvider
) -> None:
    def state() -> str:
        # The agent lists itself a moment after its first publication.
        statuses = [agent.providers["one"] for agent in read_agents(client, KEYS).values()]
        return ", ".join(f"{status.state}: {status.message}" for status in statuses)

    with running_agent(store, one):
        one.send(a_configuration("one", "a"))
        wait_for_routers(client, "a@one")
        until(lambda: state() == "ok: ", "the provider's status to be ok")
        one.send(ProviderError("the source is gone", "look for it"))
        until(lambda: state() == "retrying: the source is gone (look for it)", "the fault in the status")
        assert routers(client) == {"a@one"}
        one.send(RuntimeError("a bug"))
        until(lambda: "a bug" in state(), "the bug in the status")
        one.send(a_configuration("one", "b"))
        wait_for_routers(client, "b@one")
        until(lambda: state() == "ok: ", "the provider's status to be ok")
        assert one.watched == 3


def test_a_burst_is_published_in_a_few_revisions(
    store: Store, client: redis.Redis, one: ScriptedProvider
) -> None:
    pubsub = client.pubsub()
    pubsub.subscribe(KEYS.changes)
    pubsub.get_message(timeout=60)

    def next_change() -> Change:
        message = pubsub.get_message(timeout=60)
        assert message is not None
        return messages.decode(message["data"])

    with running_agent(store, one):
        one.send(a_configuration("one", "a"))
        next_change()
        time.sleep(0.1)
        began = time.monotonic()
        for port in range(1, 501):
            one.send(a_configuration("one", "a", port=port))
        last = first = next_change()
        while last.services["a@one"] != a_configuration("one", "a", port=500).services["a@one"]:
            last = next_change()
        elapsed = time.monotonic() - began
        assert last.revision - first.revision <= elapsed / publication.MIN_REVISION_INTERVAL + 1
    pubsub.close()


def test_an_emptied_store_is_filled_again(store: Store, client: redis.Redis, one: ScriptedProvider) -> None:
    with running_agent(store, one):
        one.send(a_configuration("one", "a"))
        wait_for_routers(client, "a@one")
        store.flush()
        until(lambda: routers(client) == {"a@one"}, "the routers to be back")


def test_a_restarted_store_gets_the_newest_configuration(
    store: Store, one: ScriptedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), running_agent(store, one):
        one.send(a_configuration("one", "a"))
        with store.client() as client:
            wait_for_routers(client, "a@one")
        store.kill()
        for name in ("b", "c", "d"):
            one.send(a_configuration("one", name))
            time.sleep(0.1)
        store.start()
        with store.client() as client:
            until(lambda: routers(client) == {"d@one"}, "the newest configuration")
        until(lambda: "the store is available again" in caplog.text, "the log line")


def test_the_agent_waits_for_a_store_that_starts_later(store: Store, one: ScriptedProvider) -> None:
    store.kill()
    with running_agent(store, one):
        one.send(a_configuration("one", "a"))
        time.sleep(0.3)
        store.start()
        with store.client() as client:
            wait_for_routers(client, "a@one")


def test_the_agent_ends_in_time_while_the_store_is_frozen(
    store: Store, client: redis.Redis, one: ScriptedProvider
) -> None:
    # The agent takes two seconds at most; a busy machine needs longer.
    with running_agent(store, one, ends_within=20.0):
        one.send(a_configuration("one", "a"))
        wait_for_routers(client, "a@one")
        store.freeze()
        one.send(a_configuration("one", "b"))
        time.sleep(0.1)
    store.thaw()


def test_an_agent_is_listed_while_it_runs(store: Store, client: redis.Redis, one: ScriptedProvider) -> None:
    with running_agent(store, one):
        agents = until(lambda: read_agents(client, KEYS), "the agent to be listed")
        (agent,) = agents.values()
        assert agent.pid == os.getpid()
        assert agent.providers["one"].state == "starting"
        until(lambda: read_agents(client, KEYS)[agent.name].seen_at > agent.seen_at, "the next heartbeat")
    assert read_agents(client, KEYS) == {}


def test_a_diagnostic_is_published_and_logged_once(
    store: Store, client: redis.Redis, one: ScriptedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    diagnostic = Diagnostic(Severity.WARNING, "one", "container x", "odd label")

    def with_diagnostic(*names: str) -> Configuration:
        plain = a_configuration("one", *names)
        return Configuration(plain.routers, plain.services, {}, (diagnostic,))

    with caplog.at_level(logging.INFO), running_agent(store, one):
        one.send(with_diagnostic("a"))
        wait_for_routers(client, "a@one")
        one.send(with_diagnostic("a", "b"))
        wait_for_routers(client, "a@one", "b@one")
        assert read_diagnostics(client, KEYS) == (diagnostic,)
        one.send(a_configuration("one", "a"))
        wait_for_routers(client, "a@one")
        until(lambda: read_diagnostics(client, KEYS) == (), "the diagnostic to disappear")
        one.send(with_diagnostic("a"))
        until(lambda: read_diagnostics(client, KEYS) == (diagnostic,), "the diagnostic to return")
    logged = [record for record in caplog.records if "odd label" in record.getMessage()]
    assert [record.levelno for record in logged] == [logging.WARNING, logging.WARNING]
    assert "routers set: b@one; services set: b@one" in caplog.text
    assert "routers removed: b@one; services removed: b@one" in caplog.text


def test_without_providers_the_store_is_emptied_and_a_warning_is_logged(
    store: Store, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    Publisher(client, KEYS).publish(a_configuration("one", "a"))
    with running_agent(store):
        wait_for_routers(client)
    assert "no provider is configured" in caplog.text


def test_the_settings_select_the_providers(tmp_path: Path) -> None:
    assert configured_providers(Settings()) == {}
    settings = Settings(providers=Providers(file=FileOptions(directory=tmp_path)))
    assert list(configured_providers(settings)) == ["file"]


Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    started: list[subprocess.Popen[str]] = []

    def start(*flags: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "discovery", *flags]
        started.append(
            subprocess.Popen(
                command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_the_command_publishes_until_a_signal_stops_it(
    run: Run, store: Store, client: redis.Redis, tmp_path: Path, stop_signal: signal.Signals
) -> None:
    (tmp_path / "routes.toml").write_text(
        '[backends.b.servers.s]\nurl = "http://127.0.0.1:1"\n'
        '[frontends.f]\nbackend = "b"\n[frontends.f.routes.r]\nrule = "Host:a.test"\n'
    )
    flags = (f"--redis.url={store.url}", f"--providers.file.filename={tmp_path / 'routes.toml'}")
    process = run(*flags)
    until(lambda: routers(client), "a router")
    process.send_signal(stop_signal)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"{stop_signal.name}: the agent is stopping" in output
    assert "Traceback" not in output
    assert read_agents(client, KEYS) == {}


@pytest.mark.parametrize(
    ("flags", "said"),
    [((), "redis.url"), (("--redis.url=redis://h", "--providerss.docker"), "providerss")],
)
def test_the_command_refuses_unusable_settings(run: Run, flags: tuple[str, ...], said: str) -> None:
    process = run(*flags)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said in output
    assert "Traceback" not in output
