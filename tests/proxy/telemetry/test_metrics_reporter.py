"""What a worker writes to the store while nothing changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from msgspec.structs import replace

from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.telemetry import metrics_reporter
from proxy.telemetry.metrics_reporter import RENEWAL, MetricsReporter
from proxy.telemetry.tallies import Tallies
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import EXPIRY, WorkerCounts
from rondpoint.store.retired_workers import ActiveNames
from rondpoint.store.server_metrics import ActiveServers
from rondpoint.store.workers import WorkerStatus, read_workers
from tests.lab.store import Store

KEYS = Keys()
WORKER = "host:1"


class Reporting:
    """A reporter with a clock of its own, and the status that it reports."""

    def __init__(self, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        self._client = client
        self.now = 1000.0
        self.status = WorkerStatus(WORKER, "host-1", "host", 1, 0.0, 0.0)
        self.tallies = Tallies()
        services = ServiceRegistry(Sweeper(), UpstreamTimeouts())
        services.put(Service("s@file", (Server("one", "10.0.0.1", 80),)))
        served = services.get("s@file")
        assert served is not None
        self.target = served.targets[0]
        self._reporter = MetricsReporter(
            client,
            KEYS,
            self.tallies,
            lambda: replace(self.status, seen_at=self.now, confirmed_at=self.now),
            WorkerCounts,
            lambda: ActiveNames({"r"}, {"s@file"}, ActiveServers(services.by_name)),
        )
        monkeypatch.setattr(metrics_reporter, "monotonic", lambda: self.now)

    def report(self, after: float) -> bool:
        """Report, `after` seconds later; return whether the store received anything."""
        self.now += after
        before = self._client.info("commandstats")
        self._reporter.report()
        after_it = self._client.info("commandstats")
        return {name: after_it[name] for name in after_it if name != "cmdstat_info"} != {
            name: before[name] for name in before if name != "cmdstat_info"
        }

    def seen_at(self) -> float:
        return read_workers(self._client, KEYS)[WORKER].seen_at


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as connected:
        yield connected


@pytest.fixture
def reporting(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Reporting:
    reporting = Reporting(client, monkeypatch)
    assert reporting.report(0)
    # The store held nothing before, so the reporter writes everything again.
    assert reporting.report(1)
    return reporting


def test_an_idle_worker_writes_only_to_renew_its_entry_and_its_counts(
    reporting: Reporting, client: redis.Redis
) -> None:
    client.hset(KEYS.server_metrics("host-1"), "ended", b"")
    for key in (KEYS.metrics(WORKER), KEYS.server_metrics("host-1")):
        client.expire(key, 5)
    written = [reporting.report(1) for _ in range(7)]
    assert written == [False, True, False, False, True, False, False]
    assert reporting.now - reporting.seen_at() < RENEWAL
    for key in (KEYS.metrics(WORKER), KEYS.server_metrics("host-1")):
        assert client.ttl(key) > EXPIRY - 5


def test_a_changed_status_is_written_in_the_next_round(reporting: Reporting) -> None:
    assert not reporting.report(1)
    reporting.status = replace(reporting.status, connections={"web": 1})
    assert reporting.report(0.1)
    assert reporting.seen_at() == reporting.now
    assert not reporting.report(0.1)


def test_changed_counts_are_written_in_the_next_round(reporting: Reporting, client: redis.Redis) -> None:
    assert not reporting.report(1)
    tally = reporting.tallies.for_router(Router("r", v3.parse("Path(`/`)"), "s@file", 1))
    tally.count(reporting.tallies.label_sets.number("web"), b"GET", 200, 0.1, 1)
    assert reporting.report(0.1)
    assert client.hexists(KEYS.metrics(WORKER), "r")


def test_a_store_that_lost_its_data_gets_everything_again(reporting: Reporting, client: redis.Redis) -> None:
    tally = reporting.tallies.for_router(Router("r", v3.parse("Path(`/`)"), "s@file", 1))
    tally.count(reporting.tallies.label_sets.number("web"), b"GET", 200, 0.1, 1)
    reporting.tallies.servers.count_failure(reporting.target)
    reporting.report(1)
    reporting.report(1)
    fields = client.hkeys(KEYS.server_metrics(WORKER))
    assert len(fields) == 1
    client.flushall()
    for _ in range(int(RENEWAL) + 1):
        reporting.report(1)
    assert client.hexists(KEYS.metrics(WORKER), "r")
    assert client.hkeys(KEYS.server_metrics(WORKER)) == fields
    assert WORKER in read_workers(client, KEYS)


def test_lost_counts_of_servers_alone_are_written_again(reporting: Reporting, client: redis.Redis) -> None:
    reporting.tallies.servers.count_failure(reporting.target)
    reporting.report(1)
    reporting.report(1)
    client.delete(KEYS.server_metrics(WORKER))
    for _ in range(int(RENEWAL) + 1):
        reporting.report(1)
    assert client.exists(KEYS.server_metrics(WORKER))
