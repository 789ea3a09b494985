"""Balancing strategies on the wire: by load, latency and client, and the next server after a failure."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from msgspec.structs import replace

from rondpoint.model import Strategy
from tests.lab import http
from tests.lab.origin import Connection, Start, http_response
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.proxy.running import Proxy

STRATEGIES: tuple[Strategy, ...] = ("wrr", "drr", "p2c", "leastconn", "leasttime", "hrw")
BY_LOAD: tuple[Strategy, ...] = ("p2c", "leastconn", "leasttime")


@contextmanager
def hold_requests(proxy: Proxy, host: str, count: int) -> Iterator[None]:
    """Hold `count` requests to /held open."""
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(http.connect("127.0.0.1", proxy.web))
            connection.sendall(http.message(host, "/held"))
        yield


class HoldingServer:
    """A server that responds with its name, to requests for /held only when released."""

    def __init__(self, name: str) -> None:
        self.release = threading.Event()
        self._response = http_response(name.encode())

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/held":
                self.release.wait(60)
            connection.send(self._response)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_unreachable_server_is_skipped(proxy: Proxy, origin: Start, strategy: Strategy) -> None:
    host = proxy.route(free_port(), origin(http_response(b"up")), free_port())
    proxy.tune(host, strategy=strategy)
    assert [proxy.get(host) for _ in range(12)] == ["up"] * 12
    post = http.request(proxy.web, host, method="POST", body=b"x")
    assert (post.status, post.text) == (200, "up")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_if_no_server_is_reachable_it_is_a_502(proxy: Proxy, strategy: Strategy) -> None:
    host = proxy.route(free_port(), free_port())
    proxy.tune(host, strategy=strategy)
    assert proxy.status(host) == 502


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_draining_server_gets_no_new_requests(proxy: Proxy, origin: Start, strategy: Strategy) -> None:
    host = proxy.route(origin(http_response(b"a")), origin(http_response(b"b")))
    first, second = proxy.services[host.removesuffix(".test")].servers
    proxy.tune(host, strategy=strategy, servers=(replace(first, state="draining"), second))
    assert {proxy.get(host) for _ in range(10)} == {"b"}
    proxy.tune(host, servers=(replace(first, state="draining"), replace(second, state="draining")))
    # No better server is left.
    assert {proxy.get(host) for _ in range(30)} <= {"a", "b"}


@pytest.mark.parametrize("strategy", BY_LOAD)
def test_a_server_with_many_active_requests_gets_fewer(
    proxy: Proxy, origin: Start, strategy: Strategy
) -> None:
    busy, idle = HoldingServer("busy"), HoldingServer("idle")
    busy_origin, idle_origin = origin(busy), origin(idle)
    host = proxy.route(busy_origin)
    proxy.tune(host, strategy=strategy)
    with hold_requests(proxy, host, 4):
        busy_origin.wait_for_requests(4)
        server = proxy.services[host.removesuffix(".test")].servers[0]
        proxy.tune(host, servers=(server, replace(server, name="s1", port=idle_origin.port)))
        assert Counter(proxy.get(host) for _ in range(20)) == {"idle": 20}
        busy.release.set()


def test_active_requests_are_uncounted_after_any_end(proxy: Proxy, origin: Start) -> None:
    busy = HoldingServer("a")
    first, second = origin(busy), origin(http_response(b"b"))
    host = proxy.route(first)
    proxy.tune(host, strategy="leastconn")
    with hold_requests(proxy, host, 6):
        first.wait_for_requests(6)
        server = proxy.services[host.removesuffix(".test")].servers[0]
        proxy.tune(host, servers=(server, replace(server, name="s1", port=second.port)))
        assert Counter(proxy.get(host) for _ in range(20)) == {"b": 20}
    # The clients have left without a response.
    until(lambda: Counter(proxy.get(host) for _ in range(20))["a"] >= 9, "the counts to be zero")
    busy.release.set()


def test_least_time_finds_the_faster_server(proxy: Proxy, origin: Start) -> None:
    def slow(connection: Connection) -> None:
        while connection.read() is not None:
            threading.Event().wait(0.05)
            connection.send(http_response(b"slow"))

    host = proxy.route(origin(slow), origin(http_response(b"fast")))
    proxy.tune(host, strategy="leasttime")
    # On a busy machine the fast server may be slow once, and is found again later.
    until(lambda: Counter(proxy.get(host) for _ in range(40))["fast"] >= 38, "the faster one", timeout=120)


def test_drr_gives_a_slow_server_fewer_requests_but_some(proxy: Proxy, origin: Start) -> None:
    def slow(connection: Connection) -> None:
        while connection.read() is not None:
            threading.Event().wait(0.05)
            connection.send(http_response(b"slow"))

    host = proxy.route(origin(slow), origin(http_response(b"fast")))
    proxy.tune(host, strategy="drr")
    until(lambda: 1 <= Counter(proxy.get(host) for _ in range(200))["slow"] < 50, "its share", timeout=120)


def test_hrw_keeps_a_client_with_its_server(proxy: Proxy, origin: Start) -> None:
    origins = [origin(http_response(name)) for name in (b"a", b"b", b"c")]
    host = proxy.route(*origins)
    proxy.tune(host, strategy="hrw")
    (mine,) = {proxy.get(host) for _ in range(12)}
    servers = proxy.services[host.removesuffix(".test")].servers
    others = tuple(server for server, each in zip(servers, "abc", strict=True) if each != mine)
    proxy.tune(host, servers=others)
    (meanwhile,) = {proxy.get(host) for _ in range(12)}
    assert meanwhile != mine
    proxy.tune(host, servers=servers)
    assert {proxy.get(host) for _ in range(12)} == {mine}


def test_a_server_that_joins_starts_slowly_if_configured(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"a")))
    name = host.removesuffix(".test")
    newcomer = replace(proxy.services[name].servers[0], name="s1", port=origin(http_response(b"b")).port)
    proxy.tune(host, slow_start=3600.0)
    assert proxy.get(host) == "a"
    proxy.tune(host, servers=(*proxy.services[name].servers, newcomer))
    counts = Counter(proxy.get(host) for _ in range(220))
    # Two of twenty-two, at the beginning of its slow start.
    assert 10 <= counts["b"] <= 30
