"""The Mesos provider on a stand-in for a master (`tests/lab/mesos.py`)."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

import pytest

from discovery.providers.mesos import MesosProvider
from discovery.providers.mesos import provider as module
from discovery.providers.mesos.record_io import MAX_RECORD
from rondpoint.configuration import Configuration
from rondpoint.settings import MesosOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.mesos import Mesos
from tests.lab.ports import free_port


@pytest.fixture
def mesos() -> Iterator[Mesos]:
    with Mesos() as running:
        yield running


def provider(*masters: Mesos, **options: object) -> MesosProvider:
    endpoint = [each.url for each in masters]
    return MesosProvider(read_section(MesosOptions, {"endpoint": endpoint, **options}))


def has(**services: list[int]) -> Callable[[Configuration], bool]:
    """Return a test for the ports of the servers of each service."""

    def holds(found: Configuration) -> bool:
        return services == {
            name.partition("@")[0]: sorted(server.port for server in service.servers)
            for name, service in found.services.items()
        }

    return holds


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read at intervals far below a second; the settings take whole seconds."""
    monkeypatch.setattr(MesosProvider, "_seconds_to_reading", lambda _: 0.05)


def test_tasks_are_read_and_read_again_after_events(mesos: Mesos) -> None:
    mesos.put("web", 1)
    with watched(provider(mesos)) as running:
        assert has(web=[1])(running.next())
        mesos.put("web", 1, 2)
        running.until(has(web=[1, 2]))
        mesos.put("shop", 3)
        running.until(has(shop=[3], web=[1, 2]))
        mesos.remove("web")
        running.until(has(shop=[3]))
        read = len(mesos.requests)
        mesos.send("HEARTBEAT")
        assert running.quiet(0.2)
        assert len(mesos.requests) == read


def test_a_snapshot_beyond_any_limit_is_passed_over(mesos: Mesos) -> None:
    mesos.padding = MAX_RECORD
    with watched(provider(mesos)) as running:
        running.next()
        mesos.put("web", 1)
        running.until(has(web=[1]))


@pytest.mark.usefixtures("often")
def test_a_change_of_health_has_no_event(mesos: Mesos) -> None:
    mesos.put("web", 1)
    with watched(provider(mesos)) as running:
        running.until(has(web=[1]))
        mesos.tasks["web.0"]["statuses"][0]["healthy"] = False
        running.until(has())


@pytest.mark.usefixtures("often")
def test_a_master_without_events_is_read_at_intervals(mesos: Mesos) -> None:
    mesos.streams_events = False
    mesos.put("web", 1)
    with watched(provider(mesos)) as running:
        running.until(has(web=[1]))
        mesos.put("web", 1, 2)
        running.until(has(web=[1, 2]))
        assert mesos.streams == 0


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("redirects", [True, False], ids=["Mesos 1", "Mesos 0.20"])
def test_the_leading_master_is_read(mesos: Mesos, redirects: bool) -> None:
    with Mesos() as leader:
        mesos.leader = leader
        mesos.redirects = mesos.streams_events = leader.streams_events = redirects
        mesos.put("wrong", 1)
        leader.put("web", 2)
        with watched(provider(mesos)) as running:
            running.until(has(web=[2]))
            leader.put("web", 2, 3)
            running.until(has(web=[2, 3]))
        assert leader.streams == (1 if redirects else 0)


def test_another_master_that_leads_is_followed(mesos: Mesos) -> None:
    with Mesos() as second:
        second.leader = mesos
        mesos.put("web", 1)
        with supervised(provider(mesos, second)) as running:
            running.until(has(web=[1]))
            second.leader = mesos.leader = second
            second.put("web", 2)
            # A master that does not lead any more ends, and with it its streams.
            mesos.cut_connections()
            running.until(has(web=[2]))
            second.put("web", 2, 3)
            running.until(has(web=[2, 3]))


@pytest.mark.parametrize("redirects", [True, False], ids=["Mesos 1", "Mesos 0.20"])
def test_without_a_leading_master_the_routes_stay(mesos: Mesos, redirects: bool) -> None:
    mesos.put("web", 1)
    with supervised(provider(mesos)) as running:
        running.until(has(web=[1]))
        mesos.redirects = mesos.streams_events = redirects
        mesos.leader = None
        mesos.cut_connections()
        running.until_failing("knows no leading master")
        assert has(web=[1])(running.configuration)
        mesos.leader = mesos
        running.until_ok()


def test_an_outage_keeps_the_routes_and_its_end_is_noticed() -> None:
    port = free_port()
    mesos = Mesos(port)
    with supervised(provider(mesos)) as running:
        with mesos:
            mesos.put("web", 1)
            running.until(has(web=[1]))
        running.until_failing("connection refused")
        assert has(web=[1])(running.configuration)
        with Mesos(port) as successor:
            successor.put("web", 2)
            running.until(has(web=[2]))
            successor.put("web", 2, 3)
            running.until(has(web=[2, 3]))


def test_a_new_master_without_agents_keeps_applications_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETENTION", 1.0)
    port = free_port()
    mesos = Mesos(port)
    with supervised(provider(mesos)) as running:
        with mesos:
            mesos.put("lost", 1)
            mesos.put("back", 2)
            running.until(has(lost=[1], back=[2]))
        with Mesos(port) as successor:
            running.until_ok()
            successor.put("back", 3)
            running.until(has(lost=[1], back=[3]))
            running.until(has(back=[3]))


@pytest.mark.usefixtures("often")
def test_a_new_master_that_is_read_without_an_outage_keeps_applications(mesos: Mesos) -> None:
    mesos.streams_events = False
    mesos.put("web", 1)
    with watched(provider(mesos)) as running:
        running.until(has(web=[1]))
        mesos.restart_run()
        mesos.remove("web")
        mesos.put("new", 2)
        running.until(has(new=[2], web=[1]))


def test_an_application_that_ends_is_not_kept(mesos: Mesos) -> None:
    mesos.put("web", 1)
    with watched(provider(mesos)) as running:
        running.next()
        mesos.remove("web")
        running.until(has())


def test_the_next_endpoint_is_used_if_one_fails(mesos: Mesos) -> None:
    gone = Mesos()
    gone.stop_listening()
    mesos.put("web", 1)
    with supervised(provider(gone, mesos)) as running:
        running.until(has(web=[1]))
        assert running.states.faults == []


def test_credentials_of_the_url_are_sent() -> None:
    expected = f"Basic {base64.b64encode(b'user:p@ss').decode()}"
    with Mesos(authorization=expected) as mesos:
        endpoint = mesos.url.replace("://", "://user:p%40ss@")
        with watched(MesosProvider(MesosOptions(endpoint=(endpoint,)))) as running:
            running.next()
            assert mesos.streams == 1


def test_refused_credentials_are_a_fault() -> None:
    with Mesos(authorization="other") as mesos, supervised(provider(mesos)) as running:
        running.until_failing("refuses the credentials (set them in the URL")


def test_a_task_that_cannot_be_read_leaves_the_others(mesos: Mesos) -> None:
    mesos.put("web", 1)
    mesos.put("odd", 2, slave_id=7)
    with watched(provider(mesos)) as running:
        found = running.next()
        assert has(web=[1])(found)
        assert [each.subject for each in found.diagnostics] == ["task odd-0"]


def test_another_api_is_a_fault(mesos: Mesos) -> None:
    mesos.tasks["web"] = {"name": "web"}
    with supervised(provider(mesos)) as running:
        running.until_failing("is not Mesos's API: Object missing required field `id`")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"constraints": "tag=a"}, "providers.mesos.constraints: "),
        ({"endpoint": "zk://a:2181"}, "is not zk://host:port,host:port/path"),
    ],
    ids=["constraints", "endpoint"],
)
def test_unusable_settings_are_a_fault(mesos: Mesos, options: dict[str, object], fault: str) -> None:
    with supervised(provider(mesos, **options)) as running:
        running.until_failing(fault)


def test_without_watch_it_reads_once(mesos: Mesos) -> None:
    with watched(provider(mesos, watch=False)) as running:
        running.next()
        mesos.put("web", 1)
        assert running.quiet(0.2)
        assert mesos.streams == 0


def test_a_change_among_many_tasks_is_emitted_at_once(mesos: Mesos) -> None:
    for number in range(1, 2001):
        mesos.put(f"s{number}", number)
    began = time.monotonic()
    with watched(provider(mesos)) as running:
        assert len(running.next().services) == 2000
        print(f"2,000 tasks after {time.monotonic() - began:.2f} s")
        began = time.monotonic()
        mesos.put("s1", 9999)
        running.next()
        print(f"a change after {1000 * (time.monotonic() - began):.0f} ms")
        # Far below the interval of readings.
        assert time.monotonic() - began < 5
