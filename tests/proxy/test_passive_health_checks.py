"""Passive health checks of a proxy with two workers: shared ejections, and requests that fail."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from rondpoint.model import Middleware, PassiveHealthCheck, Strategy
from tests.lab import http
from tests.lab.origin import Connection, Origin, Start, http_response
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy, watched

OFTEN = 40


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with lone_proxy(workers=2) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    yield from watched(shared)


def checked(proxy: Proxy, *origins: Origin, window: float = 300.0, attempts: int = 1, **options: Any) -> str:
    """Return the host of a service with a passive health check."""
    host = proxy.route(*origins, **options)
    name = host.removesuffix(".test")
    check = PassiveHealthCheck(window, attempts)
    proxy.services[name] = replace(proxy.services[name], passive_health_check=check)
    proxy.publish()
    return host


def statuses(proxy: Proxy, host: str, path: str = "/") -> Counter[int]:
    """Return the statuses of many requests, each on a connection of its own."""
    return Counter(proxy.status(host, path) for _ in range(OFTEN))


def rawdata(proxy: Proxy) -> Any:
    return msgspec.json.decode(http.request(proxy.admin, "localhost", "/api/rawdata").body)


def ejected(proxy: Proxy) -> dict[str, Any]:
    found: dict[str, Any] = rawdata(proxy)["ejections"]["servers"]
    return found


def wait_until_ejected(proxy: Proxy, server: Origin, host: str) -> None:
    """Wait until every worker knows that this server is ejected from the service of this host."""
    key = f"{server.url} {host.removesuffix('.test')}"
    found: set[int] = set()

    def all_know() -> bool:
        status = rawdata(proxy)
        if list(status["ejections"]["servers"]) == [key]:
            found.add(status["worker"]["pid"])
        return len(found) == proxy.workers

    until(all_know, f"{key} ejected in all workers")


@pytest.mark.parametrize("strategy", ["wrr", "leastconn"])
def test_a_failing_server_gets_no_requests_from_any_worker(
    proxy: Proxy, origin: Start, strategy: Strategy
) -> None:
    bad = origin(http_response(b"bad", "500 Oh"))
    host = checked(proxy, bad, origin(http_response(b"good")), attempts=3)
    name = host.removesuffix(".test")
    proxy.services[name] = replace(proxy.services[name], strategy=strategy)
    proxy.publish()
    # Each worker counts by itself. The first with three failures in a row ejects the server for both, but the
    # other one learns of it a little later.
    assert 3 <= statuses(proxy, host)[500] <= 10
    wait_until_ejected(proxy, bad, host)
    (told,) = (each for each in rawdata(proxy)["diagnostics"] if each["subject"] == f"service {name}")
    assert f"server {bad.url} fails in this service" in told["message"]
    assert "3 failed requests in a row, the last with status 500" in told["message"]
    assert statuses(proxy, host) == {200: OFTEN}


def test_other_services_with_the_server_are_not_affected(proxy: Proxy, origin: Start) -> None:
    bad, good = origin(http_response(b"bad", "500 Oh")), origin(http_response(b"good"))
    host, other = checked(proxy, bad, good), proxy.route(bad, good)
    until(lambda: statuses(proxy, host) == {200: OFTEN}, "all requests at the other server")
    assert statuses(proxy, other)[500] >= OFTEN // 4


def test_the_server_is_back_after_the_window(proxy: Proxy, origin: Start) -> None:
    failing = True

    def sometimes(connection: Connection) -> None:
        while connection.read() is not None:
            connection.send(http_response(b"b", "500 Oh" if failing else "200 OK"))

    host = checked(proxy, origin(sometimes), origin(http_response(b"a")), window=1.0)
    assert statuses(proxy, host)[500]
    failing = False
    until(lambda: not ejected(proxy), "the end of the ejection")
    until(lambda: "b" in {proxy.get(host) for _ in range(4)}, "requests at the server again")


def test_if_all_servers_fail_all_of_them_get_requests(proxy: Proxy, origin: Start) -> None:
    host = checked(proxy, *(origin(http_response(b"bad", "503 Oh")) for _ in range(2)))
    assert statuses(proxy, host) == {503: OFTEN}


def ends(connection: Connection) -> None:
    connection.read()


def test_a_server_without_a_response_fails(proxy: Proxy, origin: Start) -> None:
    bad = origin(ends)
    host = checked(proxy, bad, origin(http_response(b"good")))
    until(lambda: statuses(proxy, host) == {200: OFTEN}, "all requests at the other server")
    wait_until_ejected(proxy, bad, host)


def test_an_attempt_that_is_retried_by_status_counts(proxy: Proxy, origin: Start) -> None:
    proxy.middlewares["again@x"] = Middleware(
        "again@x", "retry", {"attempts": 3, "status": ["500-599"], "initialInterval": 0.001}
    )
    bad = origin(http_response(b"bad", "500 Oh"))
    host = checked(proxy, bad, origin(http_response(b"good")), middlewares=("again@x",))
    assert statuses(proxy, host) == {200: OFTEN}
    wait_until_ejected(proxy, bad, host)
    before = len(bad.requests)
    assert statuses(proxy, host) == {200: OFTEN}
    assert len(bad.requests) == before
