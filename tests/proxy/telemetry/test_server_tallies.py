"""Counting requests by server, and reporting the counts to the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from gevent import GreenletExit

from proxy.net.deadlines import Sweeper
from proxy.services.registry import ServiceRegistry
from proxy.telemetry.metrics_reporter import MetricsReporter
from proxy.telemetry.server_metrics_reporter import MAX_SERVERS, ServerMetricsReporter
from proxy.telemetry.server_tallies import ServerTallies
from proxy.telemetry.tallies import Tallies
from proxy.upstream.endpoint import Target
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS, Counts, WorkerCounts, decode_field
from rondpoint.store.retired_workers import ActiveNames
from rondpoint.store.server_metrics import ActiveServers, ServerCounts, decode_server, server_field
from rondpoint.store.workers import WorkerStatus
from tests.lab.store import Store

ONE, TWO = "http://10.0.0.1:80", "http://10.0.0.2:80"
KEYS = Keys()
WORKER = "host:1"


def service(name: str, *hosts: str, weight: int = 1) -> Service:
    return Service(name, tuple(Server(host, host, 80, weight=weight) for host in hosts))


def target_of(services: ServiceRegistry, name: str, url: str) -> Target:
    served = services.get(name)
    assert served is not None
    return next(target for target in served.targets if target.url == url)


def count(tallies: ServerTallies, target: Target, status: int = 200, times: int = 1) -> None:
    """Count requests as the data path does."""
    for _ in range(times):
        cell = target.cell if target.cell.status == status else tallies.cell(target, status)
        cell.buckets[0] += 1
        cell.seconds += 0.0005
        cell.changed = True


def buckets(number: int) -> tuple[int, ...]:
    return (number, *(0,) * len(BOUNDS))


@pytest.fixture
def services() -> ServiceRegistry:
    held = ServiceRegistry(Sweeper(), UpstreamTimeouts())
    held.put(service("s@file", "10.0.0.1", "10.0.0.2"))
    held.put(service("t@file", "10.0.0.1"))
    return held


def test_a_server_is_counted_separately_for_each_service(services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    count(tallies, target_of(services, "s@file", ONE), times=3)
    count(tallies, target_of(services, "s@file", ONE), status=502)
    count(tallies, target_of(services, "t@file", ONE), times=2)
    tallies.count_failure(target_of(services, "s@file", TWO))
    tallies.count_upgrade(target_of(services, "t@file", ONE))
    assert {field: tally.counts() for field, tally in tallies.all.items()} == {
        server_field("s@file", ONE): ServerCounts({200: 3, 502: 1}, buckets(4), 0.002),
        server_field("s@file", TWO): ServerCounts({}, buckets(0), failures=1),
        server_field("t@file", ONE): ServerCounts({101: 1, 200: 2}, buckets(2), 0.001),
    }


def test_counts_survive_a_change_of_the_service(services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    before = target_of(services, "s@file", ONE)
    count(tallies, before, times=3)
    services.put(service("s@file", "10.0.0.1", weight=2))
    after = target_of(services, "s@file", ONE)
    assert after is not before
    count(tallies, after, times=2)
    # A request in progress during the change.
    count(tallies, before)
    assert tallies.all[server_field("s@file", ONE)].counts().codes == {200: 6}


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as connected:
        yield connected


def make_reporter(client: redis.Redis, tallies: ServerTallies) -> ServerMetricsReporter:
    return ServerMetricsReporter(client, KEYS, tallies, WORKER)


def stored(client: redis.Redis) -> dict[str, ServerCounts]:
    fields: Any = client.hgetall(KEYS.server_metrics(WORKER))
    return {name.decode(): decode_server(name.decode(), value) for name, value in fields.items()}


def test_only_changed_counts_are_written(client: redis.Redis, services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    known = ActiveServers(services.by_name)
    reporter = make_reporter(client, tallies)
    assert reporter.report(known)
    assert not stored(client)
    one, two = target_of(services, "s@file", ONE), target_of(services, "s@file", TWO)
    count(tallies, one)
    count(tallies, two)
    # Twice: the store held nothing before, so the reporter writes everything again.
    assert reporter.report(known)
    assert reporter.report(known)
    assert {field: counts.codes for field, counts in stored(client).items()} == {
        server_field("s@file", ONE): {200: 1},
        server_field("s@file", TWO): {200: 1},
    }
    assert 0 < client.ttl(KEYS.server_metrics(WORKER)) <= 30
    client.hset(KEYS.server_metrics(WORKER), server_field("s@file", TWO), b"untouched")
    count(tallies, one)
    reporter.report(known)
    assert client.hget(KEYS.server_metrics(WORKER), server_field("s@file", TWO)) == b"untouched"
    client.flushall()
    count(tallies, one)
    reporter.report(known)
    reporter.report(known)
    assert len(stored(client)) == 2


def test_a_removed_server_is_dropped_and_starts_at_zero_when_it_returns(
    client: redis.Redis, services: ServiceRegistry
) -> None:
    tallies = ServerTallies()
    reporter = make_reporter(client, tallies)
    removed = target_of(services, "s@file", TWO)
    count(tallies, target_of(services, "s@file", ONE), times=2)
    count(tallies, removed, times=3)
    reporter.report(ActiveServers(services.by_name))
    services.put(service("s@file", "10.0.0.1"))
    reporter.report(ActiveServers(services.by_name))
    assert list(tallies.all) == list(stored(client)) == [server_field("s@file", ONE)]
    # Requests in progress are not counted any more, or are dropped at the next report.
    count(tallies, removed)
    count(tallies, removed, status=499)
    reporter.report(ActiveServers(services.by_name))
    assert list(tallies.all) == list(stored(client)) == [server_field("s@file", ONE)]
    services.put(service("s@file", "10.0.0.1", "10.0.0.2"))
    count(tallies, target_of(services, "s@file", TWO))
    reporter.report(ActiveServers(services.by_name))
    assert stored(client)[server_field("s@file", TWO)].codes == {200: 1}


def raise_exit(*_: object) -> bool:
    """Raise what a killed greenlet raises while it waits for the store."""
    raise GreenletExit


def test_interrupted_writes_are_repeated(
    client: redis.Redis, services: ServiceRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ActiveServers(services.by_name)
    tallies = Tallies()
    label_set, one = tallies.label_sets.number("web"), target_of(services, "s@file", ONE)
    tally = tallies.for_router(Router("r", v3.parse("Path(`/`)"), "s@file", 1))
    status = WorkerStatus(WORKER, "host-1", "host", 1, 0.0, 0.0)
    reporter = MetricsReporter(
        client, KEYS, tallies, lambda: status, WorkerCounts, lambda: ActiveNames({"r"}, {"s@file"}, known)
    )
    for _ in range(2):
        reporter.report()
    for name in ("metrics_reporter.write_counts", "server_metrics_reporter.write_fields"):
        tally.count(label_set, b"GET", 200, 0.1, 1)
        count(tallies.servers, one)
        with monkeypatch.context() as patched:
            patched.setattr(f"proxy.telemetry.{name}", raise_exit)
            with pytest.raises(GreenletExit):
                reporter.report()
        reporter.report()
        field: Any = client.hget(KEYS.metrics(WORKER), "r")
        counts = decode_field("r", field)
        assert isinstance(counts, Counts)
        assert counts.statuses == {"2xx": tally.requests}
        assert stored(client)[server_field("s@file", ONE)].codes == {200: tally.requests}


def test_counts_are_written_once_the_store_is_back(store: Store, services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    known = ActiveServers(services.by_name)
    with connect(store.url) as client:
        reporter = make_reporter(client, tallies)
        count(tallies, target_of(services, "s@file", ONE))
        count(tallies, target_of(services, "s@file", TWO))
        reporter.report(known)
        count(tallies, target_of(services, "s@file", ONE))
        services.put(service("s@file", "10.0.0.1"))
        known = ActiveServers(services.by_name)
        store.kill()
        with pytest.raises(redis.RedisError):
            reporter.report(known)
        store.restart()
        reporter.report(known)
        reporter.report(known)
        assert {field: counts.codes for field, counts in stored(client).items()} == {
            server_field("s@file", ONE): {200: 2}
        }


def test_many_servers_are_written_in_several_rounds(client: redis.Redis) -> None:
    hosts = [f"10.{number >> 8}.{number & 255}.1" for number in range(2 * MAX_SERVERS + MAX_SERVERS // 2)]
    services = ServiceRegistry(Sweeper(), UpstreamTimeouts())
    services.put(service("s@file", *hosts))
    served = services.get("s@file")
    assert served is not None
    tallies = ServerTallies()
    for target in served.targets:
        count(tallies, target)
    reporter = make_reporter(client, tallies)
    known = ActiveServers(services.by_name)
    lengths = []
    for _ in range(3):
        done = reporter.report(known)
        lengths.append((len(stored(client)), done))
    assert lengths == [(MAX_SERVERS, False), (2 * MAX_SERVERS, False), (len(hosts), True)]
    # Half of the servers are removed; the rounds reach them like the others.
    services.put(service("s@file", *hosts[::2]))
    known = ActiveServers(services.by_name)
    while not reporter.report(known):
        pass
    assert len(tallies.all) == len(stored(client)) == len(hosts[::2])


def test_a_key_of_a_wrong_type_is_replaced(client: redis.Redis, services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    reporter = make_reporter(client, tallies)
    client.set(KEYS.server_metrics(WORKER), "wrong type")
    count(tallies, target_of(services, "s@file", ONE))
    reporter.report(ActiveServers(services.by_name))
    reporter.report(ActiveServers(services.by_name))
    assert list(stored(client)) == [server_field("s@file", ONE)]
