"""One rotation for all workers, also when the store is slow or down."""

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

from proxy.balancing.ticket_prefetch import LONGEST_GAP
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
    """With two workers, for tests that damage the proxy or its store."""
    with running_proxy(short_path, store, workers=WORKERS) as proxy:
        yield proxy
    assert "Traceback" not in proxy.process.log, proxy.process.log


def wait_until_all_serve(proxy: Proxy, host: str) -> None:
    """Wait until every worker has taken a ticket and serves this host."""
    with proxy.store.client() as client:

        def all_serve() -> bool:
            statuses = {proxy.status(host) for _ in range(20)}
            took = sum(entry["cmd"] == "hincrby" for entry in client.client_list())
            return statuses == {200} and took == WORKERS

        until(all_serve, f"{host} served by all workers")


def follows(sequence: list[str], order: tuple[str, ...]) -> bool:
    """Return whether the sequence repeats this order, from any starting point."""
    rotations = [order[at:] + order[:at] for at in range(len(order))]
    return any(sequence == list(islice(cycle(rotation), len(sequence))) for rotation in rotations)


def test_sequential_requests_reach_the_servers_in_strict_round_robin_across_workers(
    proxy: Proxy, origins: list[Origin]
) -> None:
    host = proxy.route(*origins)
    wait_until_all_serve(proxy, host)
    sequence = undisturbed(proxy, lambda: [proxy.get(host) for _ in range(60)])
    assert follows(sequence, NAMES), sequence


def test_services_have_separate_rotations(proxy: Proxy, origins: list[Origin]) -> None:
    one, two = proxy.route(*origins), proxy.route(*origins[:2])
    wait_until_all_serve(proxy, one)
    wait_until_all_serve(proxy, two)
    pairs = undisturbed(proxy, lambda: [(proxy.get(one), proxy.get(two)) for _ in range(18)])
    assert follows([first for first, _ in pairs], NAMES)
    assert follows([second for _, second in pairs], NAMES[:2])


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


def test_concurrent_requests_share_the_rotation(proxy: Proxy, origins: list[Origin]) -> None:
    host = proxy.route(*origins)
    wait_until_all_serve(proxy, host)

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


def test_a_frozen_store_delays_no_request_and_the_rotation_resumes(
    proxy: Proxy, origins: list[Origin]
) -> None:
    store = proxy.store
    host = proxy.route(*origins)
    wait_until_all_serve(proxy, host)
    store.freeze()
    try:
        slowest = 0.0
        counts: Counter[str] = Counter()
        for _ in range(60):
            begun = time.monotonic()
            counts[proxy.get(host)] += 1
            slowest = max(slowest, time.monotonic() - begun)
        # The first request of each worker waits 20 ms for its ticket.
        assert slowest < 10
        assert set(counts) == set(NAMES)
        assert max(counts.values()) <= 30, "each worker continues its own round robin"
    finally:
        store.thaw()
    until(lambda: follows([proxy.get(host) for _ in range(30)], NAMES), "one rotation again")


def test_routes_survive_the_death_of_the_store_and_its_return_restores_the_rotation(
    own: Proxy, origins: list[Origin], store: Store
) -> None:
    host = own.route(*origins)
    wait_until_all_serve(own, host)
    store.kill()
    counts = Counter(own.get(host) for _ in range(60))
    assert set(counts) == set(NAMES)
    # The store restarts empty: no configuration, no tickets.
    store.start()
    until(lambda: follows([own.get(host) for _ in range(30)], NAMES), "one rotation again")
    # The workers follow what is published there.
    del own.routers[host.removesuffix(".test")]
    own.publish()
    until(lambda: {own.status(host) for _ in range(20)} == {404}, "the new configuration")


def test_the_replacement_of_a_killed_worker_joins_the_rotation(own: Proxy, origins: list[Origin]) -> None:
    host = own.route(*origins)
    wait_until_all_serve(own, host)
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


def test_a_store_over_tls_shares_the_rotation(short_path: Path, origins: list[Origin]) -> None:
    certificate = write_certificate(short_path / "store.pem")
    with (
        Store(short_path, "redis", certificate) as store,
        running_proxy(short_path, store, workers=WORKERS) as proxy,
    ):
        host = proxy.route(*origins)
        wait_until_all_serve(proxy, host)
        sequence = undisturbed(proxy, lambda: [proxy.get(host) for _ in range(60)])
        assert follows(sequence, NAMES), sequence
        store.restart()
        proxy.publish()
        until(lambda: follows([proxy.get(host) for _ in range(30)], NAMES), "one rotation again")


def test_requests_without_pause_are_served_in_strict_round_robin(proxy: Proxy, origins: list[Origin]) -> None:
    host = proxy.route(*origins)
    wait_until_all_serve(proxy, host)

    def without_pause() -> list[str] | None:
        longest = 0.0
        with http.connect("127.0.0.1", proxy.web) as connection:
            sequence = []
            last_response = time.monotonic()
            # No more, because a busy machine seldom lets so many run without a pause.
            for _ in range(10 * len(NAMES)):
                connection.sendall(http.message(host))
                sequence.append(http.read_response(connection).text)
                longest = max(longest, time.monotonic() - last_response)
                last_response = time.monotonic()
        # A prefetched ticket that is held too long is discarded.
        return sequence if longest < LONGEST_GAP / 2 else None

    sequence = undisturbed(proxy, without_pause)
    assert follows(sequence, NAMES), sequence
    # An unused prefetched ticket is discarded, and the next requests follow the same rotation.
    proxy.get(host)
    time.sleep(2 * LONGEST_GAP)
    assert follows(undisturbed(proxy, lambda: [proxy.get(host) for _ in range(30)]), NAMES)
