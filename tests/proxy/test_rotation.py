"""One rotation for all workers, and what becomes of it when the store is slow or gone."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

import msgspec
import pytest

from proxy.balancing.ticket_prefetch import PAUSE
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Origin
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.rotation import undisturbed
from tests.proxy.running import Proxy, lone_proxy, running_proxy, watched

NAMES = ("a", "b", "c")
WORKERS = 2


@pytest.fixture
def origins() -> Iterator[list[Origin]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Origin.named(name)) for name in NAMES]


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with lone_proxy(workers=WORKERS) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    """With two workers."""
    yield from watched(shared)


@pytest.fixture
def own(store: Store, short_path: Path) -> Iterator[Proxy]:
    """With two workers, for tests that break something for good."""
    with running_proxy(short_path, store, workers=WORKERS) as proxy:
        yield proxy
    assert "Traceback" not in proxy.process.log, proxy.process.log


def served_by_all(proxy: Proxy, host: str) -> None:
    """Wait until every worker has taken a ticket and serves this host."""
    with proxy.store.client() as client:

        def all_serve() -> bool:
            statuses = {proxy.status(host) for _ in range(20)}
            took = sum(entry["cmd"] == "hincrby" for entry in client.client_list())
            return statuses == {200} and took == WORKERS

        until(all_serve, f"{host} served by all workers")


def follows(sequence: list[str], order: tuple[str, ...]) -> bool:
    """Whether it is this order over and over, wherever it begins."""
    begun = [order[at:] + order[:at] for at in range(len(order))]
    return any(sequence == list(islice(cycle(turn), len(sequence))) for turn in begun)


def test_sequential_requests_hit_the_servers_in_strict_turn_whichever_worker_takes_them(
    proxy: Proxy, origins: list[Origin]
) -> None:
    host = proxy.route(*origins)
    served_by_all(proxy, host)
    sequence = undisturbed(proxy, lambda: [proxy.get(host) for _ in range(60)])
    assert follows(sequence, NAMES), sequence


def test_services_do_not_disturb_each_others_rotation(proxy: Proxy, origins: list[Origin]) -> None:
    one, two = proxy.route(*origins), proxy.route(*origins[:2])
    served_by_all(proxy, one)
    served_by_all(proxy, two)
    turns = undisturbed(proxy, lambda: [(proxy.get(one), proxy.get(two)) for _ in range(18)])
    assert follows([first for first, _ in turns], NAMES)
    assert follows([second for _, second in turns], NAMES[:2])


def test_weights_are_met_exactly(proxy: Proxy, origins: list[Origin]) -> None:
    host = proxy.route(*origins)
    name = host.removesuffix(".test")
    weights = (3, 1, 0)
    servers = tuple(
        msgspec.structs.replace(server, weight=weight)
        for server, weight in zip(proxy.services[name].servers, weights, strict=True)
    )
    proxy.services[name] = msgspec.structs.replace(proxy.services[name], servers=servers)
    proxy.publish()

    def settled() -> bool:
        return "c" not in {proxy.get(host) for _ in range(20)}

    until(settled, "the weights in force in both workers")
    assert undisturbed(proxy, lambda: Counter(proxy.get(host) for _ in range(40))) == {"a": 30, "b": 10}


def test_requests_at_once_share_the_rotation_too(proxy: Proxy, origins: list[Origin]) -> None:
    host = proxy.route(*origins)
    served_by_all(proxy, host)

    def counted() -> Counter[str]:
        return Counter({name: len(origin.requests) for name, origin in zip(NAMES, origins, strict=True)})

    def at_once() -> Counter[str]:
        before = counted()
        with ExitStack() as stack:
            connections = [stack.enter_context(http.connect("127.0.0.1", proxy.web)) for _ in range(60)]
            for connection in connections:
                connection.sendall(http.message(host, close=True))
            bodies = Counter(http.read_response(connection).text for connection in connections)
        assert counted() - before == bodies
        return bodies

    assert undisturbed(proxy, at_once) == dict.fromkeys(NAMES, 20)


def test_a_frozen_store_holds_no_request_up_and_the_rotation_resumes(
    proxy: Proxy, origins: list[Origin]
) -> None:
    store = proxy.store
    host = proxy.route(*origins)
    served_by_all(proxy, host)
    store.freeze()
    try:
        slowest = 0.0
        counts: Counter[str] = Counter()
        for _ in range(60):
            begun = time.monotonic()
            counts[proxy.get(host)] += 1
            slowest = max(slowest, time.monotonic() - begun)
        # A ticket is waited for 20 ms, by the first of each worker.
        assert slowest < 10
        assert set(counts) == set(NAMES)
        assert max(counts.values()) <= 30, "each worker goes on by itself, in turn"
    finally:
        store.thaw()
    until(lambda: follows([proxy.get(host) for _ in range(30)], NAMES), "one rotation again")


def test_a_store_that_dies_takes_nothing_away_and_its_return_brings_the_rotation_back(
    own: Proxy, origins: list[Origin], store: Store
) -> None:
    host = own.route(*origins)
    served_by_all(own, host)
    store.kill()
    counts = Counter(own.get(host) for _ in range(60))
    assert set(counts) == set(NAMES)
    # Comes back empty: no configuration, no tickets.
    store.start()
    until(lambda: follows([own.get(host) for _ in range(30)], NAMES), "one rotation again")
    # And what is published there is followed.
    del own.routers[host.removesuffix(".test")]
    own.publish()
    until(lambda: {own.status(host) for _ in range(20)} == {404}, "the new configuration")


def test_a_worker_that_is_killed_is_replaced_and_joins_the_rotation(
    own: Proxy, origins: list[Origin]
) -> None:
    host = own.route(*origins)
    served_by_all(own, host)
    seen = own.process.line_count
    victim = re.findall(r"Booting worker with pid: (\d+)", own.process.log)[0]
    assert int(victim) in descendants(own.process.pid)
    os.kill(int(victim), signal.SIGKILL)
    own.process.wait_for_line("Booting worker", after=seen)

    def round_robin() -> bool:
        try:
            return follows([own.get(host) for _ in range(30)], NAMES)
        except OSError:
            return False

    until(round_robin, "one rotation again")


def test_a_store_over_tls_shares_the_rotation_too(short_path: Path, origins: list[Origin]) -> None:
    certificate = write_certificate(short_path / "store.pem")
    with (
        Store(short_path, "redis", certificate) as store,
        running_proxy(short_path, store, workers=WORKERS) as proxy,
    ):
        host = proxy.route(*origins)
        served_by_all(proxy, host)
        sequence = undisturbed(proxy, lambda: [proxy.get(host) for _ in range(60)])
        assert follows(sequence, NAMES), sequence
        store.restart()
        proxy.publish()
        until(lambda: follows([proxy.get(host) for _ in range(30)], NAMES), "one rotation again")


def test_a_client_that_asks_without_pause_is_served_in_strict_turn_too(
    proxy: Proxy, origins: list[Origin]
) -> None:
    host = proxy.route(*origins)
    served_by_all(proxy, host)

    def without_pause() -> list[str] | None:
        longest = 0.0
        with http.connect("127.0.0.1", proxy.web) as connection:
            sequence = []
            answered = time.monotonic()
            for _ in range(100):
                connection.sendall(http.message(host))
                sequence.append(http.read_response(connection).text)
                longest = max(longest, time.monotonic() - answered)
                answered = time.monotonic()
        # A ticket that waits for its client too long is let go.
        return sequence if longest < PAUSE / 2 else None

    sequence = undisturbed(proxy, without_pause)
    assert follows(sequence, NAMES), sequence
    # A ticket that was held for nothing is let go, and whoever comes next finds the same rotation.
    proxy.get(host)
    time.sleep(2 * PAUSE)
    assert follows(undisturbed(proxy, lambda: [proxy.get(host) for _ in range(30)]), NAMES)
