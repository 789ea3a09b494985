"""The Marathon provider on a stand-in for Marathon (`tests/lab/marathon.py`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from discovery.providers.marathon import MarathonProvider
from discovery.providers.marathon import provider as module
from discovery.providers.marathon.client import urls_of
from rondpoint.configuration import Configuration
from rondpoint.settings import MarathonOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.marathon import Marathon
from tests.lab.ports import free_port
from tests.lab.waiting import until


@pytest.fixture
def marathon() -> Iterator[Marathon]:
    with Marathon() as running:
        yield running


def provider(*marathons: Marathon, **options: object) -> MarathonProvider:
    endpoint = [each.url for each in marathons]
    return MarathonProvider(read_section(MarathonOptions, {"endpoint": endpoint, **options}))


def has(**services: list[int]) -> Callable[[Configuration], bool]:
    """Return a test for the ports of the servers of each service."""

    def holds(found: Configuration) -> bool:
        return services == {
            name.partition("@")[0]: sorted(server.port for server in service.servers)
            for name, service in found.services.items()
        }

    return holds


def test_apps_are_read_and_read_again_after_events(marathon: Marathon) -> None:
    marathon.put("/web", 1)
    with watched(provider(marathon)) as running:
        assert has(web=[1])(running.next())
        until(lambda: marathon.streams, "the event stream")
        marathon.put("/web", 1, 2)
        running.until(has(web=[1, 2]))
        marathon.put("/shop", 3)
        running.until(has(shop=[3], web=[1, 2]))
        marathon.remove("/web")
        running.until(has(shop=[3]))
        read = len(marathon.requests)
        marathon.send("event_stream_attached")
        assert running.quiet(0.2)
        assert len(marathon.requests) == read


def test_a_task_becomes_ready_without_an_event(marathon: Marathon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READINESS_INTERVAL", 0.05)
    checks = {"deployments": [{"id": "d"}], "readinessChecks": [{}]}
    marathon.put("/web", 1, **checks, readinessCheckResults=[{"taskId": "web.0", "ready": False}])
    with watched(provider(marathon, respectReadinessChecks=True)) as running:
        assert has(web=[])(running.next())
        marathon.apps["/web"]["readinessCheckResults"][0]["ready"] = True
        running.until(has(web=[1]))


def test_an_outage_keeps_the_routes_and_its_end_is_noticed() -> None:
    port = free_port()
    marathon = Marathon(port)
    with supervised(provider(marathon)) as running:
        with marathon:
            marathon.put("/web", 1)
            running.until(has(web=[1]))
        running.until_failing("connection refused")
        assert has(web=[1])(running.configuration)
        with Marathon(port) as successor:
            successor.put("/web", 2)
            running.until(has(web=[2]))
            until(lambda: successor.streams, "the event stream")
            successor.put("/web", 2, 3)
            running.until(has(web=[2, 3]))


def test_a_lost_state_keeps_apps_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETENTION", 1.0)
    port = free_port()
    marathon = Marathon(port)
    with supervised(provider(marathon)) as running:
        with marathon:
            marathon.put("/lost", 1)
            marathon.put("/back", 2)
            running.until(has(lost=[1], back=[2]))
        with Marathon(port) as successor:
            running.until_ok()
            successor.put("/back", 3)
            running.until(has(lost=[1], back=[3]))
            running.until(has(back=[3]))


def test_the_next_endpoint_is_used_if_one_fails(marathon: Marathon) -> None:
    gone = Marathon()
    gone.stop_listening()
    marathon.put("/web", 1)
    with supervised(provider(gone, marathon)) as running:
        running.until(has(web=[1]))
        assert running.states.faults == []


@pytest.mark.parametrize(
    ("options", "authorization"),
    [
        ({"basic": {"httpBasicAuthUser": "user", "httpBasicPassword": "word"}}, "Basic dXNlcjp3b3Jk"),
        ({"dcosToken": "t", "basic": {"httpBasicAuthUser": "user"}}, "token=t"),
    ],
    ids=["basic", "DC/OS"],
)
def test_credentials_are_sent(options: dict[str, object], authorization: str) -> None:
    with (
        Marathon(authorization=authorization) as marathon,
        supervised(provider(marathon, **options)) as running,
    ):
        running.until_ok()
        until(lambda: marathon.streams, "the event stream")


def test_refused_credentials_are_a_fault() -> None:
    with Marathon(authorization="other") as marathon, supervised(provider(marathon)) as running:
        running.until_failing("refuses the credentials")


def test_an_app_that_cannot_be_read_leaves_the_others(marathon: Marathon) -> None:
    marathon.put("/web", 1)
    marathon.put("/odd", 2, networks="host")
    with watched(provider(marathon)) as running:
        found = running.next()
        assert has(web=[1])(found)
        assert [each.subject for each in found.diagnostics] == ["app odd"]


def test_another_api_is_a_fault(marathon: Marathon) -> None:
    marathon.apps["/web"] = {"name": "web"}
    with supervised(provider(marathon)) as running:
        running.until_failing("is not Marathon's API: Object missing required field `id`")


def test_without_watch_it_reads_once(marathon: Marathon) -> None:
    with watched(provider(marathon, watch=False)) as running:
        running.next()
        marathon.put("/web", 1)
        assert running.quiet(0.2)
        assert marathon.streams == 0


def test_bad_constraints_are_a_fault(marathon: Marathon) -> None:
    with supervised(provider(marathon, constraints="tag=a")) as running:
        running.until_failing("providers.marathon.constraints: ")


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        (("http://a:8080/", "b:8080"), ("http://a:8080", "http://b:8080")),
        (("https://a", "b"), ("https://a", "https://b")),
    ],
    ids=["http", "https"],
)
def test_endpoints_share_the_scheme_of_the_first_one(
    endpoints: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert urls_of(endpoints) == expected


def test_a_change_among_many_apps_is_emitted_at_once(marathon: Marathon) -> None:
    for number in range(1, 2001):
        marathon.put(f"/s{number}", number)
    began = time.monotonic()
    with watched(provider(marathon)) as running:
        assert len(running.next().services) == 2000
        print(f"2,000 apps after {time.monotonic() - began:.2f} s")
        until(lambda: marathon.streams, "the event stream")
        began = time.monotonic()
        marathon.put("/s1", 9999)
        running.next()
        print(f"a change after {1000 * (time.monotonic() - began):.0f} ms")
        # Far below any interval of polls.
        assert time.monotonic() - began < 5
