"""Figures of servers by the second: only those that somebody looks at, right from when they are looked at."""

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
from proxy.admin.live.event_stream import Telling
from proxy.admin.live.request_rates import CLASSES, flow, of_server, requests
from proxy.admin.live.sampler import Beat, Pulse
from proxy.admin.live.watched_servers import KEPT, Watch
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS, write_fields
from rondpoint.store.server_metrics import ServerCounts, field_of
from rondpoint.store.workers import WorkerStatus, write_worker
from tests.lab.origin import Origin
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.admin.test_live import listening, rate
from tests.proxy.running import Proxy, running_proxy

ONE, TWO = field_of("s@file", "http://10.0.0.1:80"), field_of("s@file", "http://10.0.0.2:80")
NAMES = ["i", "w1", "w2"]
LENGTH = 5.0


def counted(ok: int, failed: int = 0) -> ServerCounts:
    buckets = (ok + failed, *(0,) * len(BOUNDS))
    return ServerCounts({200: ok, 502: failed}, buckets, 0.0005 * (ok + failed))


def nothing() -> None:
    """For who has nothing else to see to."""


class Looks:
    """A watch, and a store that holds these fields by name of their hash."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.hashes: dict[str, dict[str, ServerCounts]] = {name: {} for name in NAMES}
        self.now = 100.0

    def look(self, seconds: float = 1.0) -> dict[str, tuple[float, float]]:
        """Requests and span by field, so many seconds later."""
        self.now += seconds
        commands = self.watch.commands(Keys(), NAMES, self.now)
        answers = [
            [self._value(name, field) for field in command[2:]]
            for name, command in zip(NAMES, commands, strict=False)
        ]
        found = self.watch.take(NAMES, answers, self.now, LENGTH, nothing)
        return {
            key.removeprefix(SERVER): (requests(vector), round(span, 3))
            for key, (vector, span) in found.items()
        }

    def _value(self, name: str, field: str) -> bytes | None:
        counts = self.hashes[name].get(field)
        return None if counts is None else msgspec.json.encode(counts)


def test_a_vector_of_a_server_tells_classes_and_times() -> None:
    counts = ServerCounts({101: 1, 200: 3, 404: 2, 999: 1}, (4, 2, 0), 0.5, 7, (0.002, 0.2))
    vector = of_server(counts)
    assert vector[: len(CLASSES)] == (1, 3, 0, 2, 1)
    told = flow(vector, 2.0)
    assert (told.rate, told.mean) == (3.5, 83.3)
    assert requests(of_server(ServerCounts())) == 0


def test_a_server_is_followed_from_the_first_look_on() -> None:
    looks = Looks()
    looks.hashes["w1"][ONE] = counted(1000)
    with looks.watch.wanted([ONE]):
        assert looks.look() == {}
        looks.hashes["w1"][ONE] = counted(1010)
        looks.hashes["w2"][ONE] = counted(5)
        assert looks.look() == {ONE: (15, 1)}
        assert looks.look() == {ONE: (15, 2)}
        with looks.watch.wanted([TWO, ONE]):
            looks.hashes["w1"][TWO] = counted(700)
            # That one is looked at for the first time.
            assert looks.look() == {ONE: (15, 3)}
            looks.hashes["w1"][TWO] = counted(706)
            assert looks.look() == {ONE: (15, 4), TWO: (6, 1)}
        # Rates are means of the last seconds only.
        assert looks.look() == {ONE: (15, 5), TWO: (6, 2)}
        assert looks.look() == {TWO: (6, 3)}


def test_counts_that_move_from_a_dead_worker_are_not_told_twice() -> None:
    looks = Looks()
    with looks.watch.wanted([ONE]):
        looks.hashes["w1"][ONE] = counted(100)
        looks.hashes["i"][ONE] = counted(10)
        looks.look()
        del looks.hashes["w1"][ONE]
        looks.hashes["i"][ONE] = counted(111)
        assert looks.look() == {ONE: (1, 1)}


def test_a_server_that_was_not_looked_at_for_a_while_begins_anew() -> None:
    looks = Looks()
    looks.hashes["w1"][ONE] = counted(1)
    with looks.watch.wanted([ONE]):
        looks.look()
    # A page that is turned.
    looks.hashes["w1"][ONE] = counted(3)
    looks.look()
    with looks.watch.wanted([ONE]):
        assert looks.look() == {ONE: (2, 2)}
    looks.look(KEPT + 1)
    assert looks.watch.commands(Keys(), NAMES, looks.now) == []
    looks.hashes["w1"][ONE] = counted(1000)
    with looks.watch.wanted([ONE]):
        assert looks.look() == {}
        looks.hashes["w1"][ONE] = counted(1001)
        assert looks.look() == {ONE: (1, 1)}


def test_what_is_no_hash_tells_nothing() -> None:
    watch = Watch()
    with watch.wanted([ONE]):
        assert len(watch.commands(Keys(), NAMES, 1.0)) == len(NAMES)
        wrong = redis.ResponseError("WRONGTYPE")
        value = msgspec.json.encode(counted(1))
        assert watch.take(NAMES, [wrong, [value], [b"{"]], 1.0, LENGTH, nothing) == {}
        watch.commands(Keys(), NAMES, 2.0)
        more = msgspec.json.encode(counted(4))
        (told,) = watch.take(NAMES, [wrong, [more], [b"{{"]], 2.0, LENGTH, nothing).values()
        assert requests(told[0]) == 3


def test_a_browser_is_told_of_its_servers() -> None:
    key = SERVER + ONE
    telling = Telling([key, "r:r@file"])
    assert telling.servers == (ONE,)
    beat = Beat(1, 5.0, {}, {key: (of_server(counted(3, 1)), 2.0)})
    told: Any = msgspec.json.decode(telling.event(beat, 7).partition(b"data: ")[2])
    assert told["flows"][key]["rate"] == 2
    assert told["flows"][key]["classes"] == [0, 1.5, 0, 0, 0.5]
    assert told["flows"][key]["p95"] > told["flows"][key]["p50"] > 0


def test_the_store_is_asked_for_no_more_than_what_is_looked_at(store: Store) -> None:
    keys = Keys()
    with connect(store.url) as client:
        write_worker(client, keys, WorkerStatus("w1", "i", "h", 1, 0.0, 0.0))
        write_fields(client, keys.server_metrics("w1"), {ONE: counted(1), TWO: counted(1)})

        def calls() -> int:
            found: Any = client.info("commandstats")
            return int(found.get("cmdstat_hmget", {}).get("calls", 0))

        pulse = Pulse(client, keys, lambda: 0, lambda: 2)
        with pulse.listening():
            assert pulse.wait(60).number == 1
        assert calls() == 0
        with gevent.Timeout(60):
            while pulse.reading:
                gevent.sleep(0.01)
        with pulse.listening([ONE]):
            first = pulse.wait(60)
            assert (first.problem, first.servers) == ("", {})
            write_fields(client, keys.server_metrics("w1"), {ONE: counted(5, 1), TWO: counted(9)})
            beat = pulse.wait(60)
            assert list(beat.servers) == [SERVER + ONE]
            told = beat.flow(SERVER + ONE)
            assert told is not None
            assert told.rate == pytest.approx(5 / beat.servers[SERVER + ONE][1], rel=0.01)
        assert calls() >= 2


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    directory = tmp_path_factory.mktemp("rp")
    with Store(Path(directory)) as store, running_proxy(directory, store, workers=2) as running:
        yield running
        assert "Traceback" not in running.process.log, running.process.log


def test_figures_of_servers_are_told_over_all_workers(proxy: Proxy) -> None:
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
