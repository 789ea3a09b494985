"""Counting TCP connections and UDP sessions, and reporting the counts to the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from gevent import GreenletExit

from proxy.telemetry.connections import reporter as reporter_module
from proxy.telemetry.connections.record import ConnectionRecord
from proxy.telemetry.connections.reporter import BATCH, ConnectionReporter
from proxy.telemetry.connections.tallies import MAX_EXAMINED, ConnectionTallies
from rondpoint.configuration import Configuration
from rondpoint.store.client import connect
from rondpoint.store.connection_metrics import (
    ActiveConnections,
    ConnectionCounts,
    ConnectionKey,
    decode_connections,
    parse_connection_field,
)
from rondpoint.store.keys import Keys
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService
from tests.lab.store import Store

KEYS = Keys()
WORKER = "host:1"
ROUTER = ConnectionKey("udp", "r", "s")
REST = ConnectionKey("udp", "", "s")
URL = "udp://10.0.0.1:53"
SERVER = ConnectionKey("udp", "", "s", URL)

SERVICES = {"s": UdpService("s", (UdpServer("a", "10.0.0.1", 53),))}
ACTIVE = ActiveConnections(Configuration(udp_routers={"r": UdpRouter("r", "s")}, udp_services=SERVICES))
WITHOUT_ROUTER = ActiveConnections(Configuration(udp_services=SERVICES))
EMPTY = ActiveConnections(Configuration())


def serve(tallies: ConnectionTallies, received: int = 0, sent: int = 0) -> ConnectionRecord:
    """Return the record of an open session that has moved so many bytes."""
    record = ConnectionRecord(tallies, ROUTER)
    record.connected("s", URL)
    record.upward.moved += received
    record.downward.moved += sent
    return record


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as connected:
        yield connected


@pytest.fixture
def tallies() -> ConnectionTallies:
    return ConnectionTallies()


@pytest.fixture
def reporter(client: redis.Redis, tallies: ConnectionTallies) -> ConnectionReporter:
    return ConnectionReporter(client, KEYS, tallies, WORKER)


def stored(client: redis.Redis) -> dict[ConnectionKey, ConnectionCounts]:
    fields: Any = client.hgetall(KEYS.connection_metrics(WORKER))
    return {
        parse_connection_field(name.decode()): decode_connections(name.decode(), value)
        for name, value in fields.items()
    }


def test_an_end_counts_once_as_what_became_of_it(tallies: ConnectionTallies) -> None:
    record = ConnectionRecord(tallies, ROUTER)
    record.outcome = "refused"
    record.end()
    record = ConnectionRecord(tallies, ROUTER)
    record.outcome = "failed"
    record.end()
    ConnectionRecord(tallies, ROUTER).end()
    record = serve(tallies)
    # What happens after it got a server does not count.
    record.outcome = "failed"
    record.end()
    found = tallies.all[ROUTER].counts()
    assert found == ConnectionCounts(forwarded=1, refused=1, failed=1, aborted=1)


def test_an_adopted_session_is_open_and_not_counted_again(tallies: ConnectionTallies) -> None:
    record = ConnectionRecord(tallies, ROUTER)
    record.adopted("s", URL)
    assert tallies.all[SERVER].counts() == tallies.all[ROUTER].counts() == ConnectionCounts(open=1)
    record.end()
    assert tallies.all[SERVER].counts() == tallies.all[ROUTER].counts() == ConnectionCounts()


def test_each_open_connection_is_examined_in_turn(tallies: ConnectionTallies) -> None:
    records = [serve(tallies, received=1) for _ in range(MAX_EXAMINED + 500)]
    tallies.count_bytes()
    assert tallies.all[ROUTER].received == MAX_EXAMINED
    # The first of those that are left.
    records[0].end()
    assert tallies.all[ROUTER].received == MAX_EXAMINED + 1
    tallies.count_bytes()
    assert tallies.all[ROUTER].received == MAX_EXAMINED + 500
    records[1].upward.moved += 5
    tallies.count_all_bytes()
    assert tallies.all[ROUTER].received == MAX_EXAMINED + 505


def test_only_changed_counts_are_written(
    client: redis.Redis, reporter: ConnectionReporter, tallies: ConnectionTallies
) -> None:
    reporter.report(ACTIVE)
    assert not client.exists(KEYS.connection_metrics(WORKER))
    record = serve(tallies, received=3, sent=4)
    # Twice: the store held nothing before, so the reporter writes everything again.
    reporter.report(ACTIVE)
    reporter.report(ACTIVE)
    assert stored(client) == {
        ROUTER: ConnectionCounts(forwarded=1, open=1, received=3, sent=4),
        SERVER: ConnectionCounts(forwarded=1, open=1),
    }
    assert 0 < client.ttl(KEYS.connection_metrics(WORKER)) <= 30
    client.hset(KEYS.connection_metrics(WORKER), SERVER.field, b"untouched")
    record.downward.moved += 6
    reporter.report(ACTIVE)
    assert client.hget(KEYS.connection_metrics(WORKER), SERVER.field) == b"untouched"
    client.flushall()
    record.end()
    reporter.report(ACTIVE)
    reporter.report(ACTIVE)
    assert stored(client) == {
        ROUTER: ConnectionCounts(forwarded=1, received=3, sent=10),
        SERVER: ConnectionCounts(forwarded=1),
    }


def test_counts_of_a_removed_router_move_once_its_last_connection_has_ended(
    client: redis.Redis, reporter: ConnectionReporter, tallies: ConnectionTallies
) -> None:
    serve(tallies, received=1).end()
    record = serve(tallies, received=2)
    reporter.report(ACTIVE)
    reporter.report(WITHOUT_ROUTER)
    assert stored(client)[ROUTER] == ConnectionCounts(forwarded=2, open=1, received=3)
    record.upward.moved += 4
    record.end()
    reporter.report(WITHOUT_ROUTER)
    assert stored(client) == {
        REST: ConnectionCounts(forwarded=2, received=7),
        SERVER: ConnectionCounts(forwarded=2),
    }
    reporter.report(EMPTY)
    assert not stored(client)
    assert not tallies.all


def test_an_interrupted_move_is_written_again(
    client: redis.Redis,
    reporter: ConnectionReporter,
    tallies: ConnectionTallies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(tallies, received=1).end()
    reporter.report(ACTIVE)

    def interrupt(*_arguments: object) -> bool:
        raise GreenletExit

    with monkeypatch.context() as patched:
        patched.setattr(reporter_module, "write_fields", interrupt)
        with pytest.raises(GreenletExit):
            reporter.report(WITHOUT_ROUTER)
    assert stored(client).keys() == {ROUTER, SERVER}
    # The router is back, and has another connection.
    serve(tallies).end()
    reporter.report(ACTIVE)
    assert stored(client) == {
        ROUTER: ConnectionCounts(forwarded=1),
        REST: ConnectionCounts(forwarded=1, received=1),
        SERVER: ConnectionCounts(forwarded=2),
    }


def test_many_fields_are_written_in_batches(
    client: redis.Redis, reporter: ConnectionReporter, tallies: ConnectionTallies
) -> None:
    names = [f"r{number}" for number in range(2 * BATCH + 1)]
    for name in names:
        tallies.count_dropped(ConnectionKey("udp", name, "s"), 2)
    routers = {name: UdpRouter(name, "s") for name in names}
    reporter.report(ActiveConnections(Configuration(udp_routers=routers, udp_services=SERVICES)))
    assert stored(client) == {ConnectionKey("udp", name, "s"): ConnectionCounts(dropped=2) for name in names}
