"""In-flight limits with two workers: which requests are refused, and when others may enter.

On a busy machine, a worker may find the store too slow for a moment. It then admits its own share, which may
be more or less than the limit leaves. So the tests wait for what must come about, and for refusals that last.
"""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy, watched

UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "x")]
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"


class HoldingServer:
    """A server that delays /held until it is released, ends /cut, and responds to all else at once."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/held":
                self.release.wait(90)
            if request.target == "/cut":
                return
            if request.header("Upgrade"):
                connection.send(SWITCHED)
                while connection.receive():
                    pass
                return
            connection.send(http_response(b"served"))


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with (
        TemporaryDirectory(prefix="rp-") as directory,
        Store(Path(directory)) as store,
        running_proxy(
            Path(directory),
            store,
            "--entryPoints.web.forwardedHeaders.trustedIPs=127.0.0.1",
            workers=2,
        ) as proxy,
    ):
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    """With two workers; the tests act as a trusted proxy in front."""
    yield from watched(shared)


@pytest.fixture
def holding() -> HoldingServer:
    return HoldingServer()


@pytest.fixture
def origin(holding: HoldingServer) -> Iterator[Origin]:
    with Origin(holding) as origin:
        yield origin
        holding.release.set()


def limited(proxy: Proxy, origin: Origin, **options: object) -> str:
    """Return a host whose router has a limit of two, unless `options` change it."""
    name = f"limit{len(proxy.middlewares)}@x"
    proxy.middlewares[name] = Middleware(name, "inFlightReq", {"amount": 2, **options})
    return proxy.route(origin, middlewares=(name,))


@contextmanager
def hold_requests(
    proxy: Proxy, origin: Origin, host: str, count: int, *headers: tuple[str, str]
) -> Iterator[None]:
    """Hold `count` requests to /held open; each has reached the server."""
    with ExitStack() as stack:

        def held() -> bool:
            before = len(origin.requests)
            connection = stack.enter_context(http.connect("127.0.0.1", proxy.web))
            connection.sendall(http.message(host, "/held", headers=headers))
            until(
                lambda: len(origin.requests) > before or select.select([connection], [], [], 0)[0],
                "a request at the server, or a refusal",
            )
            return len(origin.requests) > before

        for _ in range(count):
            until(held, "a request at the server")
        yield


def wait_until_refused(proxy: Proxy, host: str, *headers: tuple[str, str]) -> http.Response:
    """Wait until ten requests in a row are refused, in any worker; return the last response."""

    def refused() -> http.Response | None:
        found = [http.request(proxy.web, host, headers=headers) for _ in range(10)]
        return found[-1] if {each.status for each in found} == {429} else None

    return until(refused, "requests to be refused")


def wait_for_free(proxy: Proxy, host: str, *, free: int = 2) -> None:
    """Wait until this many concurrent requests are served, in any worker."""

    def served() -> bool:
        with ExitStack() as stack:
            upgraded = []
            for _ in range(free):
                connection = stack.enter_context(http.connect("127.0.0.1", proxy.web))
                connection.sendall(http.message(host, "/", headers=UPGRADE))
                upgraded.append(http.read_response(connection).status)
        return upgraded == [101] * free

    until(served, f"{free} concurrent requests to be served")


def test_requests_above_the_limit_get_429_in_every_worker(proxy: Proxy, origin: Origin) -> None:
    host = limited(proxy, origin)
    with hold_requests(proxy, origin, host, 2):
        assert wait_until_refused(proxy, host).text == "429 too many requests: 2 are being served"
    wait_for_free(proxy, host)


def test_the_server_gets_no_refused_request(proxy: Proxy, origin: Origin) -> None:
    host = limited(proxy, origin)
    with hold_requests(proxy, origin, host, 2):
        before = len(origin.requests)
        statuses = [http.request(proxy.web, host).status for _ in range(10)]
        assert statuses.count(200) == len(origin.requests) - before
        assert set(statuses) <= {200, 429}


def test_refused_requests_keep_their_connection_and_do_not_count(proxy: Proxy, origin: Origin) -> None:
    host = limited(proxy, origin, amount=1)
    with hold_requests(proxy, origin, host, 1), http.connect("127.0.0.1", proxy.web) as connection:

        def send() -> int:
            connection.sendall(http.message(host, method="POST", body=b"some"))
            return http.read_response(connection).status

        until(lambda: [send() for _ in range(3)] == [429] * 3, "requests to be refused")
    wait_for_free(proxy, host, free=1)


def ends_by_a_response(proxy: Proxy, host: str, holding: HoldingServer) -> None:
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, "/held"))
        holding.release.set()
        assert http.read_response(connection).status == 200


def ends_by_the_client(proxy: Proxy, host: str, holding: HoldingServer) -> None:
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, "/held"))


def ends_by_the_server(proxy: Proxy, host: str, holding: HoldingServer) -> None:
    assert proxy.status(host, "/cut") == 502


def ends_within_the_body(proxy: Proxy, host: str, holding: HoldingServer) -> None:
    with http.connect("127.0.0.1", proxy.web) as connection:
        head = http.message(host, method="POST", headers={"Transfer-Encoding": "chunked"})
        connection.sendall(head + b"no chunk\r\n")
        assert http.read_response(connection).status == 400


def ends_as_a_tunnel(proxy: Proxy, host: str, holding: HoldingServer) -> None:
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, headers=UPGRADE))
        assert http.read_response(connection).status == 101


ENDS: list[Callable[[Proxy, str, HoldingServer], None]] = [
    ends_by_a_response,
    ends_by_the_client,
    ends_by_the_server,
    ends_within_the_body,
    ends_as_a_tunnel,
]


@pytest.mark.parametrize("end", ENDS)
def test_a_request_counts_until_any_kind_of_end(
    proxy: Proxy, origin: Origin, holding: HoldingServer, end: Callable[[Proxy, str, HoldingServer], None]
) -> None:
    host = limited(proxy, origin, amount=8)
    for _ in range(8):
        end(proxy, host, holding)
    wait_for_free(proxy, host, free=8)


def test_a_tunnel_counts_as_long_as_it_lasts(proxy: Proxy, origin: Origin) -> None:
    host = limited(proxy, origin, amount=1)
    with http.connect("127.0.0.1", proxy.web) as connection:
        connection.sendall(http.message(host, headers=UPGRADE))
        assert http.read_response(connection).status == 101
        wait_until_refused(proxy, host)
    wait_for_free(proxy, host, free=1)


def test_each_source_has_its_own_limit(proxy: Proxy, origin: Origin) -> None:
    host = limited(proxy, origin, sourceCriterion={"ipStrategy": {"depth": 1}})
    one, other = ("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "203.0.113.2")
    with hold_requests(proxy, origin, host, 2, one):
        wait_until_refused(proxy, host, one)
        until(
            lambda: http.request(proxy.web, host, headers=[other]).status == 200,
            "a request of the other source",
        )


def test_each_router_has_its_own_limit(proxy: Proxy, origin: Origin) -> None:
    host = limited(proxy, origin)
    neighbour = proxy.route(origin, middlewares=proxy.routers[host.removesuffix(".test")].middlewares)
    with hold_requests(proxy, origin, host, 2):
        wait_until_refused(proxy, host)
        until(lambda: proxy.status(neighbour) == 200, "a request to the other router")


def test_contradictory_criteria_refuse_all_requests(proxy: Proxy, origin: Origin) -> None:
    criterion = {"requestHost": True, "requestHeaderName": "X"}
    host = limited(proxy, origin, sourceCriterion=criterion)
    assert proxy.status(host) == 503


def test_requests_of_a_killed_worker_no_longer_count(short_path: Path, store: Store, origin: Origin) -> None:
    with running_proxy(short_path, store, workers=2) as proxy:
        host = limited(proxy, origin)
        with hold_requests(proxy, origin, host, 2):
            wait_until_refused(proxy, host)
            for pid in descendants(proxy.process.pid):
                os.kill(pid, signal.SIGKILL)
            until(lambda: _served(proxy, host), "the new workers to serve requests")
        wait_for_free(proxy, host)


def _served(proxy: Proxy, host: str) -> bool:
    try:
        return proxy.status(host) == 200
    except OSError:
        return False
