"""Live figures of servers: only visible servers are read, and their rates are correct from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
import msgspec
import pytest
import redis

from proxy.admin.live.counter_deltas import SERVER, server_key
from proxy.admin.live.event_stream import EventStream
from proxy.admin.live.request_rates import CLASSES, rates, request_count, server_vector
from proxy.admin.live.sampler import Sample, Sampler
from proxy.admin.live.watched_servers import KEEP_SECONDS, WatchedServers
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS, write_fields
from rondpoint.store.server_metrics import ServerCounts, server_field
from rondpoint.store.workers import WorkerStatus, write_worker
from tests.lab.origin import Origin
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.admin.test_live import listening, rate
from tests.proxy.running import Proxy, running_proxy

ONE, TWO = server_field("s@file", "http://10.0.0.1:80"), server_field("s@file", "http://10.0.0.2:80")
NAMES = ["i", "w1", "w2"]
LENGTH = 5.0


def counted(ok: int, failed: int = 0) -> ServerCounts:
    buckets = (ok + failed, *(0,) * len(BOUNDS))
    return ServerCounts({200: ok, 502: failed}, buckets, 0.0005 * (ok + failed))


def nothing() -> None:
    """Yield to nobody."""


class FakeStore:
    """WatchedServers with a simulated store; `hashes` maps each worker and instance to its fields."""

    def __init__(self) -> None:
        self.watched = WatchedServers()
        self.hashes: dict[str, dict[str, ServerCounts]] = {name: {} for name in NAMES}
        self.now = 100.0

    def look(self, seconds: float = 1.0) -> dict[str, tuple[float, float]]:
        """Return requests and span by field, `seconds` later."""
        self.now += seconds
        commands = self.watched.commands(Keys(), NAMES, self.now)
        answers = [
            [self._value(name, field) for field in command[2:]]
            for name, command in zip(NAMES, commands, strict=False)
        ]
        found = self.watched.read_replies(NAMES, answers, self.now, LENGTH, nothing)
        return {
            key.removeprefix(SERVER): (request_count(vector), round(span, 3))
            for key, (vector, span) in found.items()
        }

    def _value(self, name: str, field: str) -> bytes | None:
        counts = self.hashes[name].get(field)
        return None if counts is None else msgspec.json.encode(counts)


def test_the_vector_of_a_server_has_classes_and_times() -> None:
    counts = ServerCounts({101: 1, 200: 3, 404: 2, 999: 1}, (4, 2, 0), 0.5, 7, (0.002, 0.2))
    vector = server_vector(counts)
    assert vector[: len(CLASSES)] == (1, 3, 0, 2, 1)
    result = rates(vector, 2.0)
    assert (result.rate, result.mean) == (3.5, 83.3)
    assert request_count(server_vector(ServerCounts())) == 0


def test_a_server_is_followed_from_the_first_read() -> None:
    fake_store = FakeStore()
    fake_store.hashes["w1"][ONE] = counted(1000)
    with fake_store.watched.watch([ONE]):
        assert fake_store.look() == {}
        fake_store.hashes["w1"][ONE] = counted(1010)
        fake_store.hashes["w2"][ONE] = counted(5)
        assert fake_store.look() == {ONE: (15, 1)}
        assert fake_store.look() == {ONE: (15, 2)}
        with fake_store.watched.watch([TWO, ONE]):
            fake_store.hashes["w1"][TWO] = counted(700)
            # This server is read for the first time.
            assert fake_store.look() == {ONE: (15, 3)}
            fake_store.hashes["w1"][TWO] = counted(706)
            assert fake_store.look() == {ONE: (15, 4), TWO: (6, 1)}
        # Older counts leave the window.
        assert fake_store.look() == {ONE: (15, 5), TWO: (6, 2)}
        assert fake_store.look() == {TWO: (6, 3)}


def test_counts_that_move_from_a_dead_worker_are_not_counted_twice() -> None:
    fake_store = FakeStore()
    with fake_store.watched.watch([ONE]):
        fake_store.hashes["w1"][ONE] = counted(100)
        fake_store.hashes["i"][ONE] = counted(10)
        fake_store.look()
        del fake_store.hashes["w1"][ONE]
        fake_store.hashes["i"][ONE] = counted(111)
        assert fake_store.look() == {ONE: (1, 1)}


def test_a_server_that_was_not_visible_for_a_while_starts_again() -> None:
    fake_store = FakeStore()
    fake_store.hashes["w1"][ONE] = counted(1)
    with fake_store.watched.watch([ONE]):
        fake_store.look()
    # The browser reconnects for another page.
    fake_store.hashes["w1"][ONE] = counted(3)
    fake_store.look()
    with fake_store.watched.watch([ONE]):
        assert fake_store.look() == {ONE: (2, 2)}
    fake_store.look(KEEP_SECONDS + 1)
    assert fake_store.watched.commands(Keys(), NAMES, fake_store.now) == []
    fake_store.hashes["w1"][ONE] = counted(1000)
    with fake_store.watched.watch([ONE]):
        assert fake_store.look() == {}
        fake_store.hashes["w1"][ONE] = counted(1001)
        assert fake_store.look() == {ONE: (1, 1)}


def test_error_replies_are_ignored() -> None:
    watched = WatchedServers()
    with watched.watch([ONE]):
        assert len(watched.commands(Keys(), NAMES, 1.0)) == len(NAMES)
        wrong = redis.ResponseError("WRONGTYPE")
        value = msgspec.json.encode(counted(1))
        assert watched.read_replies(NAMES, [wrong, [value], [b"{"]], 1.0, LENGTH, nothing) == {}
        watched.commands(Keys(), NAMES, 2.0)
        more = msgspec.json.encode(counted(4))
        (result,) = watched.read_replies(NAMES, [wrong, [more], [b"{{"]], 2.0, LENGTH, nothing).values()
        assert request_count(result[0]) == 3


def test_a_browser_receives_its_servers() -> None:
    key = SERVER + ONE
    stream = EventStream([key, "r:r@file"])
    assert stream.servers == (ONE,)
    sample = Sample(1, 5.0, {}, {key: (server_vector(counted(3, 1)), 2.0)})
    result: Any = msgspec.json.decode(stream.event(sample, 7).partition(b"data: ")[2])
    assert result["rates"][key]["rate"] == 2
    assert result["rates"][key]["classes"] == [0, 1.5, 0, 0, 0.5]
    assert result["rates"][key]["p95"] > result["rates"][key]["p50"] > 0


def test_only_visible_servers_are_read_from_the_store(store: Store) -> None:
    keys = Keys()
    with connect(store.url) as client:
        write_worker(client, keys, WorkerStatus("w1", "i", "h", 1, 0.0, 0.0))
        write_fields(client, keys.server_metrics("w1"), {ONE: counted(1), TWO: counted(1)})

        def calls() -> int:
            found: Any = client.info("commandstats")
            return int(found.get("cmdstat_hmget", {}).get("calls", 0))

        sampler = Sampler(client, keys, lambda: 0, lambda: 2)
        with sampler.subscribe():
            assert sampler.wait_for_sample(60).number == 1
        assert calls() == 0
        with gevent.Timeout(60):
            while sampler.is_reading:
                gevent.sleep(0.01)
        with sampler.subscribe([ONE]):
            first = sampler.wait_for_sample(60)
            assert (first.problem, first.servers) == ("", {})
            write_fields(client, keys.server_metrics("w1"), {ONE: counted(5, 1), TWO: counted(9)})
            sample = sampler.wait_for_sample(60)
            assert list(sample.servers) == [SERVER + ONE]
            result = sample.rates(SERVER + ONE)
            assert result is not None
            assert result.rate == pytest.approx(5 / sample.servers[SERVER + ONE][1], rel=0.01)
        assert calls() >= 2


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    directory = tmp_path_factory.mktemp("rp")
    with Store(Path(directory)) as store, running_proxy(directory, store, workers=2) as running:
        yield running
        assert "Traceback" not in running.process.log, running.process.log


def test_figures_of_servers_cover_all_workers(proxy: Proxy) -> None:
    with ExitStack() as stack:
        one, two = (stack.enter_context(Origin.named(name)) for name in "ab")
        host = proxy.route(one, two)
        name = host.removesuffix(".test")
        drawn = stack.enter_context(listening(proxy.admin, f"router={name}&search=nothing"))
        listed = stack.enter_context(listening(proxy.admin, f"kind=service&search={name}"))
        until(lambda: drawn.events and listed.events, "the first events")
        for origin in (one, two):
            key = server_key(name, origin.url)
            for listener in (drawn, listed):
                until(
                    lambda key=key, listener=listener: proxy.status(host) == 200 and rate(listener, key),
                    "figures of the server",
                )
