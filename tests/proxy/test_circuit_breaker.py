"""Circuit breakers with two workers: when they open, in which workers, and when they close again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy, watched

SERVER_ERRORS = "ResponseCodeRatio(500, 600, 0, 600) > 0.5"
ATTEMPTS = 12
"""Requests, each on a connection of its own, of which both workers get some."""


class Server:
    """A server that responds with `status`, but never to /silent."""

    def __init__(self) -> None:
        self.status = "500 Internal Server Error"
        self.release = Event()

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/silent":
                self.release.wait(90)
                return
            if request.header("Upgrade"):
                connection.send(
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
                )
                connection.receive()
                return
            connection.send(http_response(b"served", self.status))


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with (
        TemporaryDirectory(prefix="rp-") as directory,
        Store(Path(directory)) as store,
        running_proxy(Path(directory), store, workers=2) as proxy,
    ):
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    yield from watched(shared)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def origin(server: Server) -> Iterator[Origin]:
    with Origin(server) as origin:
        yield origin
        server.release.set()


def guarded(proxy: Proxy, server: Origin | int, expression: str = SERVER_ERRORS, **options: object) -> str:
    """Return a host whose router has a circuit breaker, which stays open for a minute by default."""
    name = f"breaker{len(proxy.middlewares)}@x"
    options = {"expression": expression, "fallbackDuration": 60.0, **options}
    proxy.middlewares[name] = Middleware(name, "circuitBreaker", options)
    return proxy.route(server, middlewares=(name,))


def statuses(proxy: Proxy, host: str) -> set[int]:
    return {proxy.status(host) for _ in range(ATTEMPTS)}


def open_breaker(proxy: Proxy, host: str) -> int:
    """Send a request that opens the breaker of this host, and return its status once the breaker is open.

    A worker records a request after it has sent the response, so the client may be ahead of the breaker.
    """
    status = proxy.status(host)
    proxy.process.wait_for_line(f"circuit breaker .* of router {host.removesuffix('.test')} is open")
    return status


def test_a_breaker_that_one_worker_opens_is_open_in_all(proxy: Proxy, origin: Origin) -> None:
    host = guarded(proxy, origin)
    assert open_breaker(proxy, host) == 500
    assert statuses(proxy, host) == {503}
    response = http.request(proxy.web, host)
    assert (response.body, response.header("Content-Type")) == (b"Service Unavailable", None)
    assert len(origin.requests) == 1


def test_routers_with_one_middleware_have_a_breaker_each(
    proxy: Proxy, origin: Origin, server: Server
) -> None:
    host = guarded(proxy, origin)
    neighbour = proxy.route(origin, middlewares=proxy.routers[host.removesuffix(".test")].middlewares)
    assert open_breaker(proxy, host) == 500
    server.status = "200 OK"
    assert statuses(proxy, neighbour) == {200}
    assert statuses(proxy, host) == {503}


def test_an_unreachable_server_is_a_network_error(proxy: Proxy) -> None:
    host = guarded(proxy, free_port(), "NetworkErrorRatio() > 0.5", responseCode=418)
    assert open_breaker(proxy, host) == 502
    assert statuses(proxy, host) == {418}


def test_a_client_that_leaves_counts_with_499(proxy: Proxy, origin: Origin) -> None:
    host = guarded(proxy, origin, "ResponseCodeRatio(499, 500, 0, 600) > 0")
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, "/silent"))
        origin.wait_for_requests(1)
    until(lambda: proxy.status(host) == 503, "the circuit breaker to open")


def test_it_closes_again_after_a_recovery(proxy: Proxy, origin: Origin, server: Server) -> None:
    host = guarded(proxy, origin, fallbackDuration=0.2, recoveryDuration=0.3)
    assert open_breaker(proxy, host) == 500
    server.status = "200 OK"
    until(lambda: statuses(proxy, host) == {200}, "the circuit breaker to close")


def test_it_opens_again_if_the_recovery_fails(proxy: Proxy, origin: Origin) -> None:
    host = guarded(proxy, origin, fallbackDuration=0.1, recoveryDuration=30.0)
    assert open_breaker(proxy, host) == 500
    # The ramp admits a request after a while, which fails.
    until(lambda: proxy.status(host) == 500, "a request of the recovery")
    name = proxy.routers[host.removesuffix(".test")].middlewares[0]
    opened = f"circuit breaker {name} of router"
    until(lambda: proxy.process.log.count(opened) >= 2, "the circuit breaker to open again")


def test_a_new_configuration_leaves_it_open_unless_its_options_change(proxy: Proxy, origin: Origin) -> None:
    host = guarded(proxy, origin)
    assert open_breaker(proxy, host) == 500
    proxy.middlewares["other@x"] = Middleware("other@x", "addPrefix", {"prefix": "/x"})
    proxy.publish()
    assert statuses(proxy, host) == {503}
    name = proxy.routers[host.removesuffix(".test")].middlewares[0]
    options = {"expression": SERVER_ERRORS, "fallbackDuration": 50.0}
    proxy.middlewares[name] = Middleware(name, "circuitBreaker", options)
    proxy.publish()
    assert proxy.status(host) == 500


def test_new_workers_find_it_open(short_path: Path, store: Store, origin: Origin) -> None:
    with running_proxy(short_path, store, workers=2) as proxy:
        host = guarded(proxy, origin)
        assert open_breaker(proxy, host) == 500
        before = set(descendants(proxy.process.pid))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: _responds(proxy, host), "the new workers to serve requests")
        assert statuses(proxy, host) == {503}
        assert len(origin.requests) == 1


def _responds(proxy: Proxy, host: str) -> bool:
    try:
        return proxy.status(host) == 503
    except OSError:
        return False
