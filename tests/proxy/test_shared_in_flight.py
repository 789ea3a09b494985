"""One in-flight limit for all workers of two instances, also when the store fails or an instance dies."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proxy.limits.in_flight_limits import LEASE_SECONDS
from proxy.limits.worker_count import INTERVAL
from rondpoint.model import Middleware
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.workers import read_workers
from tests.lab import http
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.limits.installation import leased_slots
from tests.proxy.running import Proxy, running_proxy

AMOUNT = 4
LIMIT = Middleware("limit@x", "inFlightReq", {"amount": AMOUNT})
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "x")]
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"


def open_tunnels(connection: Connection) -> None:
    """Accept each upgrade, and respond to all else at once."""
    while (request := connection.read()) is not None:
        if request.header("Upgrade"):
            connection.send(SWITCHED)
            while connection.receive():
                pass
            return
        connection.send(http_response(b"served"))


class Instances:
    """Two proxies with two workers each, and one limited router in both; tunnels stay in progress."""

    def __init__(self, proxies: list[Proxy], host: str) -> None:
        self.proxies = proxies
        self.host = host

    def open(self, tunnels: ExitStack, number: int, count: int) -> int:
        """Ask the proxy `number` for tunnels; return how many of them it opens within five seconds each."""
        opened = 0
        for _ in range(count):
            begun = time.monotonic()
            connection = tunnels.enter_context(http.connect("127.0.0.1", self.proxies[number].web))
            connection.sendall(http.message(self.host, headers=UPGRADE))
            status = http.read_response(connection).status
            assert status in (101, 429)
            assert time.monotonic() - begun < 5
            opened += status == 101
        return opened

    def hold(self, tunnels: ExitStack, number: int, count: int) -> None:
        """Open so many tunnels through the proxy `number`.

        On a busy machine, a worker may find the store too slow for a moment, and then refuse some.
        """
        for _ in range(count):
            until(lambda: self.open(tunnels, number, 1) == 1, "a tunnel")

    def wait_until_full(self) -> None:
        """Wait until both proxies refuse requests; a worker that finds the store too slow may admit some."""
        until(lambda: {proxy.status(self.host) for proxy in self.proxies} == {429}, "no free slot")

    def wait_until_free(self) -> None:
        """Wait until all slots are free, by taking all of them."""

        def free() -> bool:
            with ExitStack() as tunnels:
                return sum(self.open(tunnels, number % 2, 1) for number in range(AMOUNT)) == AMOUNT

        until(free, "all slots to be free")
        until(lambda: all(proxy.status(self.host) == 200 for proxy in self.proxies), "a free slot")


@pytest.fixture
def instances(store: Store) -> Iterator[Instances]:
    with Origin(open_tunnels) as origin, ExitStack() as stack:
        paths = [Path(stack.enter_context(TemporaryDirectory(prefix="rp-"))) for _ in range(2)]
        proxies = [stack.enter_context(running_proxy(path, store, workers=2)) for path in paths]
        proxies[0].middlewares[LIMIT.name] = LIMIT
        instances = Instances(proxies, proxies[0].route(origin, middlewares=(LIMIT.name,)))
        for proxy in proxies:
            until(lambda proxy=proxy: proxy.status(instances.host) == 200, "the router to be served")
        with connect(store.url) as client:
            until(lambda: len(read_workers(client, Keys())) == 4, "the workers' status", timeout=30)
        yield instances
        for proxy in proxies:
            assert "Traceback" not in proxy.process.log, proxy.process.log


def test_all_instances_hold_one_limit_together(instances: Instances) -> None:
    with ExitStack() as tunnels:
        instances.hold(tunnels, 0, 3)
        instances.hold(tunnels, 1, 1)
        instances.wait_until_full()
    instances.wait_until_free()


@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_without_the_store_each_instance_has_its_part_and_no_request_waits_long(
    instances: Instances, store: Store, fault: str
) -> None:
    # Each worker has used the limit, and knows how many share it.
    for proxy in instances.proxies:
        for _ in range(10):
            proxy.status(instances.host)
    time.sleep(2 * INTERVAL)
    with ExitStack() as tunnels:
        instances.hold(tunnels, 0, 1)
        store.kill() if fault == "killed" else store.freeze()
        try:
            opened = [instances.open(tunnels, 0, AMOUNT), instances.open(tunnels, 1, AMOUNT)]
        finally:
            store.start() if fault == "killed" else store.thaw()
        assert opened == [AMOUNT // 2 - 1, AMOUNT // 2]
        if fault == "killed":
            # What is in progress counts in the empty store, too.
            instances.proxies[0].publish()
        with connect(store.url) as client:
            until(lambda: leased_slots(client) == AMOUNT, "the requests in progress in the store")
        instances.wait_until_full()
    instances.wait_until_free()


def test_the_slots_of_a_dead_instance_are_free_after_its_lease(store: Store) -> None:
    with Origin(open_tunnels) as origin, ExitStack() as stack:
        paths = [Path(stack.enter_context(TemporaryDirectory(prefix="rp-"))) for _ in range(2)]
        living = stack.enter_context(running_proxy(paths[0], store))
        living.middlewares[LIMIT.name] = LIMIT
        host = living.route(origin, middlewares=(LIMIT.name,))
        with running_proxy(paths[1], store) as dying, ExitStack() as tunnels:
            instances = Instances([living, dying], host)
            until(lambda: dying.status(host) == 200, "the router to be served")
            instances.hold(tunnels, 1, AMOUNT)
            until(lambda: living.status(host) == 429, "no free slot")
            for pid in (dying.process.pid, *descendants(dying.process.pid)):
                os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: living.status(host) == 200, "a slot of the dead instance")
            assert time.monotonic() - killed < 3 * LEASE_SECONDS
            instances.hold(tunnels, 0, AMOUNT)
