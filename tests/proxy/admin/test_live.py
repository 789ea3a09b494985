"""Live figures: increases of counts, sums over the last seconds, and the events for browsers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import gevent
import msgspec
import pytest

from proxy.admin.live.counter_deltas import ENTRY_POINT, MIDDLEWARE, ROUTER, SERVICE, TOTAL, CounterDeltas
from proxy.admin.live.event_stream import EventStream
from proxy.admin.live.request_rates import CLASSES, rates, request_count, router_vector
from proxy.admin.live.sampler import MAX_LISTENERS, Sample, Sampler
from proxy.admin.live.sliding_window import SlidingWindow
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS, WORKER_FIELD, Cell, Counts, Refusals, WorkerCounts
from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy

EMPTY = (0,) * (len(BOUNDS) + 1)


def buckets(count: int, place: int = 0) -> tuple[int, ...]:
    return (*EMPTY[:place], count, *EMPTY[place + 1 :])


def counted(ok: int, failed: int = 0, stopped: int = 0, service: str = "s@file") -> bytes:
    """Return a store field: requests of one router, `stopped` of which a middleware responded to."""
    cells = [
        Cell("web", "GET", code, "http", buckets(number), stopped=is_stopped)
        for code, number, is_stopped in ((200, ok, False), (502, failed, False), (401, stopped, True))
        if number
    ]
    statuses = {"2xx": ok, "4xx": stopped, "5xx": failed}
    return msgspec.json.encode(
        Counts(service, statuses, buckets(ok + failed + stopped), 0.001 * ok, cells=tuple(cells))
    )


def nothing() -> None:
    """Yield to nobody."""


def numbers(found: dict[str, tuple[float, ...]]) -> dict[str, float]:
    return {key: request_count(vector) for key, vector in found.items()}


def test_counts_before_the_first_read_are_ignored() -> None:
    deltas = CounterDeltas()
    assert deltas.compare({"w1": {b"r@file": counted(100)}}, nothing) == {}
    found = deltas.compare({"w1": {b"r@file": counted(103, 1, 2)}}, nothing)
    assert numbers(found) == {
        TOTAL: 6,
        ROUTER + "r@file": 6,
        ENTRY_POINT + "web": 6,
        # Requests that a middleware responds to do not reach the service.
        SERVICE + "s@file": 4,
    }
    assert found[ROUTER + "r@file"][: len(CLASSES)] == (0, 3, 0, 2, 1)


def test_workers_and_routers_are_added_up() -> None:
    deltas = CounterDeltas()
    own = {WORKER_FIELD.encode(): msgspec.json.encode(WorkerCounts(tickets=9))}
    internal = {b"api@internal": counted(50, service="api@internal")}
    deltas.compare({"w1": {**own, **internal}, "w2": {}}, nothing)
    found = deltas.compare(
        {
            "w1": {**own, b"api@internal": counted(60, service="api@internal"), b"r@file": counted(2)},
            "w2": {b"r@file": counted(3), b"q@file": counted(4), b"": counted(0, stopped=5, service="")},
        },
        nothing,
    )
    counts = numbers(found)
    assert counts[TOTAL] == 14
    assert (counts[ROUTER + "r@file"], counts[ROUTER + "q@file"], counts[ROUTER]) == (5, 4, 5)
    assert counts[SERVICE + "s@file"] == 9
    assert not any("internal" in key for key in counts)


def test_refusals_count_for_their_middleware_alone() -> None:
    def field(rate: int, forbidden: int) -> bytes:
        refusals = (Refusals("m@x", "k", "rate", rate), Refusals("m@x", "k", "forbidden", forbidden))
        return msgspec.json.encode(Counts("s@file", refusals=refusals))

    deltas = CounterDeltas()
    deltas.compare({"w1": {b"r@file": field(1, 1)}}, nothing)
    found = numbers(deltas.compare({"w1": {b"r@file": field(4, 3)}}, nothing))
    assert found == {MIDDLEWARE + "m@x": 5}


def test_counts_that_move_from_a_dead_worker_are_not_counted_twice() -> None:
    deltas = CounterDeltas()
    deltas.compare({"w1": {b"r@file": counted(100)}, "i": {b"r@file": counted(10)}}, nothing)
    assert numbers(deltas.compare({"i": {b"r@file": counted(111)}}, nothing))[TOTAL] == 1


def test_lost_counts_are_no_negative_requests() -> None:
    deltas = CounterDeltas()
    deltas.compare({"w1": {b"r@file": counted(100)}}, nothing)
    assert deltas.compare({}, nothing) == {}
    assert deltas.compare({"w1": {b"r@file": counted(100)}}, nothing) == {}


def test_unreadable_fields_are_skipped() -> None:
    deltas = CounterDeltas()
    deltas.compare({"w1": {b"r@file": counted(1)}}, nothing)
    fields = {b"r@file": counted(2), b"x@file": b"{", b"\xff": counted(1)}
    assert numbers(deltas.compare({"w1": fields}, nothing))[TOTAL] == 1


def test_an_invalid_status_class_counts_as_5xx() -> None:
    vector = router_vector(Counts("s", {"²xx": 1, "0xx": 1, "": 1, "9xx": 1, "2xx": 3}))
    assert vector[: len(CLASSES)] == (0, 3, 0, 0, 4)


def test_a_window_holds_the_last_seconds() -> None:
    vector = router_vector(msgspec.json.decode(counted(10), type=Counts))
    window = SlidingWindow(0.0)
    for second in range(1, 11):
        window.add(float(second), {TOTAL: vector} if second <= 8 else {}, 5, nothing)
    assert (window.span, request_count(window.sums[TOTAL])) == (5.0, 30)
    for second in range(11, 15):
        window.add(float(second), {}, 5, nothing)
    assert window.sums == {}


def test_rates_and_times_of_a_vector() -> None:
    counts = Counts("s", {"2xx": 90, "5xx": 10}, (*buckets(90, 3)[:6], 10, *EMPTY[7:]), seconds=1.5)
    found = rates(router_vector(counts), 5.0)
    assert found.rate == 20
    assert found.classes == (0, 18, 0, 0, 2)
    assert found.mean == 15
    assert found.p50 is not None
    assert 5 <= found.p50 <= 10
    assert found.p95 == 75
    idle = rates((0,) * len(router_vector(counts)), 5.0)
    assert (idle.rate, idle.p50, idle.p95, idle.mean) == (0, None, None, None)


def test_a_browser_receives_only_changes() -> None:
    vector = router_vector(msgspec.json.decode(counted(10), type=Counts))
    stream = EventStream([ROUTER + "r@file", ROUTER + "idle@file"])

    def event_data(sample: Sample) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(stream.event(sample, 7).partition(b"data: ")[2])
        return found

    sums = {TOTAL: vector, ROUTER + "r@file": vector, ROUTER + "unseen@file": vector}
    first = event_data(Sample(1, 1.0, sums))
    assert set(first["rates"]) == {TOTAL, ROUTER, ROUTER + "r@file", ROUTER + "idle@file"}
    assert first["revision"] == 7
    assert event_data(Sample(2, 1.0, sums)) == {"rates": {}}
    assert event_data(Sample(3, 1.0, {TOTAL: vector})) == {"rates": {ROUTER + "r@file": None}}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    directory = tmp_path_factory.mktemp("rp")
    with Store(Path(directory)) as store, running_proxy(directory, store) as running:
        yield running
        assert "Traceback" not in running.process.log, running.process.log


class Listener:
    """A browser that receives `events`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._thread = threading.Thread(target=self._read)
        self.events: list[dict[str, Any]] = []
        self.head = b""
        self._thread.start()

    def _read(self) -> None:
        received = b""
        try:
            while piece := self._connection.recv(65536):
                received += piece
                self.head = self.head or received.partition(b"\r\n\r\n")[0]
                *whole, received = received.split(b"\n\n")
                for event in whole:
                    if b"event: sample" in event:
                        self.events.append(msgspec.json.decode(event.partition(b"data: ")[2]))
        except OSError:
            return

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def listening(port: int, query: str = "") -> Iterator[Listener]:
    with socket.create_connection(("127.0.0.1", port), timeout=90) as connection:
        connection.sendall(f"GET /dashboard/events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        listener = Listener(connection)
        try:
            yield listener
        finally:
            connection.shutdown(socket.SHUT_RDWR)
            listener.join()


def rate(listener: Listener, key: str) -> float:
    for event in reversed(listener.events):
        found = event["rates"].get(key, ...)
        if found is not ...:
            return 0.0 if found is None else float(found["rate"])
    return 0.0


def test_all_browsers_receive_figures(proxy: Proxy) -> None:
    with Origin.named("a") as origin:
        host = proxy.route(origin)
        name = host.removesuffix(".test")
        with listening(proxy.admin, f"search={name}") as one, listening(proxy.admin) as other:
            until(lambda: one.events and other.events, "the first events")
            assert b"text/event-stream" in one.head
            until(lambda: proxy.status(host) == 200 and rate(one, ROUTER + name), "figures")
            # Keep sending requests, because figures return to 0 without them.
            until(lambda: proxy.status(host) == 200 and rate(other, TOTAL), "figures for the other one")
            until(lambda: proxy.status(host) == 200 and rate(one, SERVICE + name), "figures of the service")


HGETALLS = 3
"""HGETALL commands of one sample: workers, agents, and one each for the worker and the instance."""


def test_listeners_share_one_sample_per_second(proxy: Proxy) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(connect(proxy.store.url))

        def commands() -> int:
            found: Any = client.info("commandstats")
            return int(found["cmdstat_hgetall"]["calls"])

        there = [stack.enter_context(listening(proxy.admin)) for _ in range(8)]
        until(lambda: all(listener.events for listener in there), "everybody's first event")
        before, beats = commands(), len(there[0].events)
        until(lambda: len(there[0].events) >= beats + 4, "more events")
        # Without sharing, it would be eight times as many.
        assert commands() - before <= 2 * (HGETALLS + 1) * (len(there[0].events) - beats + 1)


def test_nothing_is_read_without_listeners(store: Store) -> None:
    with connect(store.url) as client:
        sampler = Sampler(client, Keys(), lambda: 0)
        with sampler.subscribe():
            assert sampler.wait_for_sample(60).number == 1
            assert sampler.wait_for_sample(60).number == 2
        with gevent.Timeout(60):
            while sampler.is_reading:
                gevent.sleep(0.01)
        with sampler.subscribe():
            assert sampler.wait_for_sample(60).number == 1


def test_a_bug_does_not_end_the_figures(store: Store) -> None:
    class Faulty(Sampler):
        looks = 0

        def _read_sample(self, deltas: CounterDeltas, window: SlidingWindow) -> Sample:
            self.looks += 1
            if self.looks == 2:
                raise LookupError
            return super()._read_sample(deltas, window)

    with connect(store.url) as client:
        sampler = Faulty(client, Keys(), lambda: 0)
        with sampler.subscribe():
            assert sampler.wait_for_sample(60).number == 1
            assert sampler.wait_for_sample(60).number == 2
            assert sampler.looks == 3


def test_a_store_outage_is_reported_and_ends(store: Store) -> None:
    with connect(store.url) as client:
        sampler = Sampler(client, Keys(), lambda: 0)
        with sampler.subscribe():
            assert sampler.wait_for_sample(60).problem == ""
            store.kill()
            assert "the store does not respond" in sampler.wait_for_sample(60).problem
            store.restart()
            with gevent.Timeout(60):
                while sampler.wait_for_sample(60).problem:
                    pass


def test_a_leaving_worker_closes_its_event_streams(store: Store, short_path: Path) -> None:
    with running_proxy(short_path, store) as proxy, listening(proxy.admin) as listener:
        until(lambda: listener.events, "the first event")
        # Browsers also hold an idle connection.
        with socket.create_connection(("127.0.0.1", proxy.admin)) as kept:
            kept.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
            proxy.process.stop()
        listener.join()
        assert "Traceback" not in proxy.process.log, proxy.process.log


def test_too_many_listeners_get_a_503(store: Store, short_path: Path) -> None:
    # A separate proxy, so that no listeners of other tests are still connected.
    with ExitStack() as stack:
        proxy = stack.enter_context(running_proxy(short_path, store))
        there = [stack.enter_context(listening(proxy.admin)) for _ in range(MAX_LISTENERS)]
        until(lambda: all(listener.events for listener in there), "everybody's first event")
        assert http.request(proxy.admin, "localhost", "/dashboard/events").status == 503
        assert http.request(proxy.admin, "localhost", "/ping").status == 200
