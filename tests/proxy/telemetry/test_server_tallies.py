"""Counting what servers were asked for, and what becomes of the counts of those that leave."""

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
from rondpoint.store.metrics import BOUNDS, Counts, Own, decode_field
from rondpoint.store.retired_workers import Known
from rondpoint.store.server_metrics import ServerCounts, ServersInForce, decode_server, field_of
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
    """As the data path does."""
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


def test_a_server_is_counted_under_each_service_that_names_it(services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    count(tallies, target_of(services, "s@file", ONE), times=3)
    count(tallies, target_of(services, "s@file", ONE), status=502)
    count(tallies, target_of(services, "t@file", ONE), times=2)
    tallies.count_failure(target_of(services, "s@file", TWO))
    tallies.count_upgrade(target_of(services, "t@file", ONE))
    assert {field: tally.counts() for field, tally in tallies.all.items()} == {
        field_of("s@file", ONE): ServerCounts({200: 3, 502: 1}, buckets(4), 0.002),
        field_of("s@file", TWO): ServerCounts({}, buckets(0), failures=1),
        field_of("t@file", ONE): ServerCounts({101: 1, 200: 2}, buckets(2), 0.001),
    }


def test_counts_go_on_when_the_service_changes(services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    before = target_of(services, "s@file", ONE)
    count(tallies, before, times=3)
    services.put(service("s@file", "10.0.0.1", weight=2))
    after = target_of(services, "s@file", ONE)
    assert after is not before
    count(tallies, after, times=2)
    # A request that was under way.
    count(tallies, before)
    assert tallies.all[field_of("s@file", ONE)].counts().codes == {200: 6}


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as connected:
        yield connected


def reporter(client: redis.Redis, tallies: ServerTallies) -> ServerMetricsReporter:
    return ServerMetricsReporter(client, KEYS, tallies, WORKER)


def stored(client: redis.Redis) -> dict[str, ServerCounts]:
    fields: Any = client.hgetall(KEYS.server_metrics(WORKER))
    return {name.decode(): decode_server(name.decode(), value) for name, value in fields.items()}


def test_what_has_changed_is_told_and_nothing_else(client: redis.Redis, services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    known = ServersInForce(services.by_name)
    told = reporter(client, tallies)
    assert told.report(known)
    assert not stored(client)
    one, two = target_of(services, "s@file", ONE), target_of(services, "s@file", TWO)
    count(tallies, one)
    count(tallies, two)
    # Twice: the store held nothing before, so that all is told once more.
    assert told.report(known)
    assert told.report(known)
    assert {field: counts.codes for field, counts in stored(client).items()} == {
        field_of("s@file", ONE): {200: 1},
        field_of("s@file", TWO): {200: 1},
    }
    assert 0 < client.ttl(KEYS.server_metrics(WORKER)) <= 30
    client.hset(KEYS.server_metrics(WORKER), field_of("s@file", TWO), b"untouched")
    count(tallies, one)
    told.report(known)
    assert client.hget(KEYS.server_metrics(WORKER), field_of("s@file", TWO)) == b"untouched"
    client.flushall()
    told.report(known)
    told.report(known)
    assert len(stored(client)) == 2


def test_a_server_that_leaves_is_forgotten_and_begins_anew(client: redis.Redis, services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    told = reporter(client, tallies)
    left = target_of(services, "s@file", TWO)
    count(tallies, target_of(services, "s@file", ONE), times=2)
    count(tallies, left, times=3)
    told.report(ServersInForce(services.by_name))
    services.put(service("s@file", "10.0.0.1"))
    told.report(ServersInForce(services.by_name))
    assert list(tallies.all) == list(stored(client)) == [field_of("s@file", ONE)]
    # What was under way goes by; with another status, it is forgotten at the next report.
    count(tallies, left)
    count(tallies, left, status=499)
    told.report(ServersInForce(services.by_name))
    assert list(tallies.all) == list(stored(client)) == [field_of("s@file", ONE)]
    services.put(service("s@file", "10.0.0.1", "10.0.0.2"))
    count(tallies, target_of(services, "s@file", TWO))
    told.report(ServersInForce(services.by_name))
    assert stored(client)[field_of("s@file", TWO)].codes == {200: 1}


def broken_off(*_: object) -> bool:
    """What a kill does to who waits for the store."""
    raise GreenletExit


def test_counts_whose_telling_was_broken_off_are_told_again(
    client: redis.Redis, services: ServiceRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ServersInForce(services.by_name)
    tallies = Tallies()
    label_set, one = tallies.label_sets.number("web"), target_of(services, "s@file", ONE)
    tally = tallies.of(Router("r", v3.parse("Path(`/`)"), "s@file", 1))
    me = WorkerStatus(WORKER, "host-1", "host", 1, 0.0, 0.0)
    told = MetricsReporter(client, KEYS, tallies, lambda: me, Own, lambda: Known({"r"}, {"s@file"}, known))
    for _ in range(2):
        told.report()
    for name in ("metrics_reporter.write_counts", "server_metrics_reporter.write_fields"):
        tally.count(label_set, b"GET", 200, 0.1, 1)
        count(tallies.servers, one)
        with monkeypatch.context() as patched:
            patched.setattr(f"proxy.telemetry.{name}", broken_off)
            with pytest.raises(GreenletExit):
                told.report()
        told.report()
        field: Any = client.hget(KEYS.metrics(WORKER), "r")
        counts = decode_field("r", field)
        assert isinstance(counts, Counts)
        assert counts.statuses == {"2xx": tally.requests}
        assert stored(client)[field_of("s@file", ONE)].codes == {200: tally.requests}


def test_a_server_that_could_not_be_told_of_is_told_of_later(store: Store, services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    known = ServersInForce(services.by_name)
    with connect(store.url) as client:
        told = reporter(client, tallies)
        count(tallies, target_of(services, "s@file", ONE))
        count(tallies, target_of(services, "s@file", TWO))
        told.report(known)
        count(tallies, target_of(services, "s@file", ONE))
        services.put(service("s@file", "10.0.0.1"))
        known = ServersInForce(services.by_name)
        store.kill()
        with pytest.raises(redis.RedisError):
            told.report(known)
        store.restart()
        told.report(known)
        told.report(known)
        assert {field: counts.codes for field, counts in stored(client).items()} == {
            field_of("s@file", ONE): {200: 2}
        }


def test_many_servers_take_turns(client: redis.Redis) -> None:
    hosts = [f"10.{number >> 8}.{number & 255}.1" for number in range(2 * MAX_SERVERS + MAX_SERVERS // 2)]
    services = ServiceRegistry(Sweeper(), UpstreamTimeouts())
    services.put(service("s@file", *hosts))
    served = services.get("s@file")
    assert served is not None
    tallies = ServerTallies()
    for target in served.targets:
        count(tallies, target)
    told = reporter(client, tallies)
    known = ServersInForce(services.by_name)
    lengths = []
    for _ in range(3):
        done = told.report(known)
        lengths.append((len(stored(client)), done))
    assert lengths == [(MAX_SERVERS, False), (2 * MAX_SERVERS, False), (len(hosts), True)]
    # Half of them leave, whose turn comes like that of the others.
    services.put(service("s@file", *hosts[::2]))
    known = ServersInForce(services.by_name)
    while not told.report(known):
        pass
    assert len(tallies.all) == len(stored(client)) == len(hosts[::2])


def test_a_key_that_something_else_has_spoilt_is_begun_anew(client: redis.Redis, services: ServiceRegistry) -> None:
    tallies = ServerTallies()
    told = reporter(client, tallies)
    client.set(KEYS.server_metrics(WORKER), "spoilt")
    count(tallies, target_of(services, "s@file", ONE))
    told.report(ServersInForce(services.by_name))
    told.report(ServersInForce(services.by_name))
    assert list(stored(client)) == [field_of("s@file", ONE)]
