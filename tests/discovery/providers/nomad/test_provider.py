"""The Nomad provider on a stand-in for Nomad (`tests/lab/nomad.py`): start, changes, outages, settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from discovery.providers import reconnection
from discovery.providers.nomad import NomadProvider, nomad_providers
from discovery.providers.nomad import provider as module
from discovery.providers.nomad.client import AT_ONCE, TIMEOUT
from rondpoint.configuration import Configuration
from rondpoint.settings import NomadOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.certificate import write_certificate
from tests.lab.nomad import Nomad
from tests.lab.ports import free_port
from tests.lab.waiting import until

ENABLED = "traefik.enable=true"


@pytest.fixture
def nomad() -> Iterator[Nomad]:
    with Nomad() as running:
        yield running


def provider(nomad: Nomad, **options: object) -> NomadProvider:
    endpoint = {"address": nomad.url, **options.pop("endpoint", {})}  # type: ignore[dict-item]
    return nomad_providers(read_section(NomadOptions, {"endpoint": endpoint, **options}))[0]


def ports(configuration: Configuration) -> dict[str, list[int]]:
    """Return the ports of the servers of each service, without the provider's name."""
    return {
        name.partition("@")[0]: [server.port for server in service.servers]
        for name, service in sorted(configuration.services.items())
    }


def has(**services: list[int]) -> Callable[[Configuration], bool]:
    return lambda found: ports(found) == services


def rules(configuration: Configuration) -> list[str]:
    return sorted(router.rule.text for router in configuration.routers.values())


def messages(configuration: Configuration) -> str:
    return "; ".join(f"{each.message} ({each.hint})" for each in configuration.diagnostics)


def test_services_are_read_and_followed_by_events(nomad: Nomad) -> None:
    nomad.register("web", port=1)
    with watched(provider(nomad)) as running:
        found = running.next()
        assert (ports(found), rules(found)) == ({"web": [1]}, ["Host(`web`)"])
        until(lambda: nomad.streams, "the event stream")
        second = nomad.register("web", port=2)
        assert running.until(has(web=[1, 2]))
        nomad.register("shop", "traefik.http.routers.s.rule=Host(`shop.test`)", port=3)
        assert rules(running.until(has(shop=[3], web=[1, 2]))) == ["Host(`shop.test`)", "Host(`web`)"]
        nomad.register("web", port=9, own=second)
        running.until(has(shop=[3], web=[1, 9]))
        nomad.deregister(second)
        running.until(has(shop=[3], web=[1]))
        assert len([path for path in nomad.requests if "/v1/services" in path]) == 1


def test_replayed_events_do_not_undo_newer_states(nomad: Nomad) -> None:
    first = nomad.register("web", port=1)
    nomad.register("web", port=2)
    nomad.deregister(first)
    gone = nomad.register("gone", port=3)
    nomad.deregister(gone)
    with watched(provider(nomad)) as running:
        assert ports(running.next()) == {"web": [2]}
        until(lambda: nomad.streams, "the event stream")
        assert running.quiet(0.2)
        nomad.register("web", port=4)
        running.until(has(web=[2, 4]))


@pytest.mark.parametrize(
    ("tags", "options", "expected"),
    [
        ([], {"exposed_by_default": False}, []),
        ([ENABLED], {"exposed_by_default": False}, ["Host(`web`)"]),
        (["traefik.enable=false"], {}, []),
        (["a"], {"constraints": "Tag(`a`)"}, ["Host(`web`)"]),
        (["b"], {"constraints": "Tag(`a`)"}, []),
        ([], {"default_rule": "Host(`{{ .Name }}.test`)"}, ["Host(`web.test`)"]),
        (["own.http.routers.r.rule=Host(`a.test`)"], {"prefix": "own"}, ["Host(`a.test`)"]),
        (["traefik.nomad.canary=true"], {}, ["Host(`web`)"]),
        (["traefik.frontend.rule=Host:old.test"], {}, ["Host:old.test"]),
    ],
    ids=[
        "not exposed",
        "enabled",
        "disabled",
        "constraints",
        "other tags",
        "default rule",
        "prefix",
        "canary",
        "Traefik 1",
    ],
)
def test_tags_and_options(
    nomad: Nomad, tags: list[str], options: dict[str, object], expected: list[str]
) -> None:
    nomad.register("web", *tags)
    with watched(provider(nomad, **options)) as running:
        assert rules(running.next()) == expected


def test_an_outage_keeps_the_routes_and_its_end_is_noticed() -> None:
    port = free_port()
    nomad = Nomad(port)
    with supervised(provider(nomad)) as running:
        with nomad:
            nomad.register("web", port=1)
            running.until(has(web=[1]))
        running.until_failing("connection refused")
        assert ports(running.configuration) == {"web": [1]}
        with Nomad(port) as successor:
            successor.register("web", port=2)
            running.until(has(web=[2]))
            running.until_ok()
            until(lambda: successor.streams, "the event stream")
            successor.register("web", port=3)
            running.until(has(web=[2, 3]))


def test_a_lost_state_keeps_services_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETENTION", 1.0)
    port = free_port()
    nomad = Nomad(port)
    with supervised(provider(nomad)) as running:
        with nomad:
            nomad.register("lost", port=1)
            nomad.register("back", port=2)
            running.until(has(back=[2], lost=[1]))
        with Nomad(port) as successor:
            running.until_ok()
            successor.register("back", port=3)
            running.until(has(back=[3], lost=[1]))
            running.until(has(back=[3]))


def test_a_new_stream_follows_one_that_ends(nomad: Nomad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnection, "STABLE_SECONDS", 0.0)
    with supervised(provider(nomad)) as running:
        until(lambda: nomad.streams == 1, "the event stream")
        nomad.cut_connections()
        until(lambda: nomad.streams == 2, "another event stream")
        nomad.register("web", port=1)
        running.until(has(web=[1]))
        assert running.states.faults == []


def test_groups_that_are_scaled_to_zero_keep_their_routes(nomad: Nomad) -> None:
    services = (("web", []), ("task", ["traefik.http.routers.t.rule=Host(`t.test`)"]))
    nomad.put_job("job", *services, count=0)
    with watched(provider(nomad, allow_empty_services=True)) as running:
        found = running.next()
        assert ports(found) == {"task": [], "web": []}
        assert rules(found) == ["Host(`t.test`)", "Host(`web`)"]
        assert "job/group/web is scaled to 0" in messages(found)
        until(lambda: nomad.streams, "the event stream")
        nomad.put_job("job", *services, count=1)
        own = nomad.register("web", port=1)
        running.until(has(web=[1]))
        nomad.put_job("job", *services, count=0)
        nomad.deregister(own)
        running.until(has(task=[], web=[]))
        nomad.remove_job("job")
        running.until(has())


def test_without_watch_it_polls(nomad: Nomad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_REFRESH_INTERVAL", 0.1)
    nomad.register("web", port=1)
    with watched(provider(nomad, watch=False, refresh_interval=0.1)) as running:
        running.next()
        nomad.register("web", port=2)
        running.until(has(web=[1, 2]))
        assert nomad.streams == 0


def test_changes_are_throttled(nomad: Nomad) -> None:
    with watched(provider(nomad, throttle_duration=0.3)) as running:
        running.next()
        until(lambda: nomad.streams, "the event stream")
        nomad.register("web", port=1)
        running.until(has(web=[1]))
        for port in range(2, 9):
            nomad.register("web", port=port)
        assert ports(running.next()) == {"web": list(range(1, 9))}


def test_each_namespace_is_a_provider_of_its_own(nomad: Nomad) -> None:
    nomad.register("web", port=1, namespace="a")
    nomad.register("web", port=2, namespace="b")
    options = read_section(NomadOptions, {"endpoint": {"address": nomad.url}, "namespaces": ["a", "b"]})
    found = {}
    for each in nomad_providers(options):
        with watched(each) as running:
            found[each.name] = sorted(running.next().services)
    assert found == {"nomad-a": ["web@nomad-a"], "nomad-b": ["web@nomad-b"]}


@pytest.mark.parametrize(
    ("token", "fault"),
    [("", "set a token; the token needs"), ("wrong", "refuses: Permission denied (the token needs, in each")],
    ids=["no token", "another token"],
)
def test_a_refused_token_is_a_fault_with_a_hint(token: str, fault: str) -> None:
    with Nomad(token="right") as nomad, supervised(provider(nomad, endpoint={"token": token})) as running:
        running.until_failing(fault)


def test_a_token_in_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOMAD_TOKEN", "right")
    with Nomad(token="right") as nomad, supervised(provider(nomad)) as running:
        running.until_ok()


def test_servers_without_a_leader_are_a_fault_and_keep_the_routes(nomad: Nomad) -> None:
    nomad.leaderless = True
    with supervised(provider(nomad)) as running:
        running.until_failing("have no leader")
        nomad.leaderless = False
        running.until_ok()


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"constraints": "Tag("}, "providers.nomad.constraints: Tag takes one text"),
        ({"endpoint": {"address": "unix:///run/nomad.sock"}}, "Nomad's address 'unix:///run/nomad.sock'"),
    ],
    ids=["constraints", "address"],
)
def test_unusable_settings_are_a_fault(nomad: Nomad, options: dict[str, object], fault: str) -> None:
    with supervised(provider(nomad, **options)) as running:
        running.until_failing(fault)


def test_another_api_is_a_fault(nomad: Nomad) -> None:
    with supervised(provider(nomad, endpoint={"address": f"{nomad.url}/elsewhere"})) as running:
        running.until_failing("responds with status 404")


def test_tls(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "nomad.pem")
    with Nomad(certificate=certificate) as nomad:
        nomad.register("web", port=1)
        with watched(provider(nomad, endpoint={"tls": {"ca": str(certificate)}})) as running:
            running.next()
            until(lambda: nomad.streams, "the event stream")
            nomad.register("web", port=2)
            running.until(has(web=[1, 2]))


@pytest.mark.parametrize("kind", ["services", "jobs"])
def test_a_few_are_read_at_the_same_time(nomad: Nomad, kind: str) -> None:
    for number in range(10):
        if kind == "services":
            nomad.register(f"s{number}", port=number + 1)
        else:
            nomad.put_job(f"j{number}", (f"s{number}", []), count=0)
    nomad.gate.clear()
    with watched(provider(nomad, allow_empty_services=True)) as running:
        until(lambda: nomad.in_flight == AT_ONCE, "the first requests")
        nomad.gate.set()
        assert len(running.next().services) == 10
    assert nomad.most_in_flight == AT_ONCE


def test_a_reading_can_be_interrupted(nomad: Nomad) -> None:
    for number in range(10):
        nomad.register(f"s{number}", port=number + 1)
    nomad.gate.clear()
    with watched(provider(nomad)) as running:
        until(lambda: nomad.in_flight == AT_ONCE, "the first requests")
        began = time.monotonic()
        running.end()
        assert time.monotonic() - began < TIMEOUT / 2
    assert nomad.most_in_flight == AT_ONCE


def test_a_change_among_many_services_is_emitted_at_once(nomad: Nomad) -> None:
    for number in range(1, 301):
        nomad.register(
            f"s{number}", f"traefik.http.routers.r{number}.rule=Host(`h{number}.test`)", port=number
        )
    began = time.monotonic()
    with watched(provider(nomad)) as running:
        assert len(running.next().services) == 300
        print(f"300 services after {time.monotonic() - began:.2f} s")
        until(lambda: nomad.streams, "the event stream")
        began = time.monotonic()
        nomad.register("s1", port=9999)
        running.next()
        print(f"a change after {1000 * (time.monotonic() - began):.0f} ms")
        # Far below any interval of polls.
        assert time.monotonic() - began < 5
