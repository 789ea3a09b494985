"""Server metrics of running proxies: each request counts once, over all workers and instances."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from rondpoint.model import Member, Middleware, Router, Server, Service, StickyCookie
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.server_metrics import server_field
from tests.lab import http
from tests.lab.echo import EchoServer
from tests.lab.origin import Connection, Origin, Start, http_response
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.lab.websockets import connect_websockets, send_and_compare
from tests.proxy.running import Proxy, lone_proxy, running_proxy, watched
from tests.proxy.scraping import Scrape, scrape, wait_for_scrape
from tests.proxy.wire.client import Client

WORKERS = 2
FLAGS = ("--metrics.prometheus.buckets=0.1,0.7,5",)
REQUESTS = "rondpoint_server_requests_total"
DURATIONS = "rondpoint_server_request_duration_seconds"
FAILURES = "rondpoint_server_failures_total"


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with lone_proxy(*FLAGS, workers=WORKERS) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    """A proxy with two workers."""
    yield from watched(shared)


def service_of(host: str) -> str:
    return host.removesuffix(".test")


def url(origin: Origin | int) -> str:
    return f"http://127.0.0.1:{origin if isinstance(origin, int) else origin.port}"


def request_count(now: Scrape, service: str, **labels: str) -> float:
    return now.sum(REQUESTS, service=service, **labels)


def wait_for_count(proxy: Proxy, service: str, requests: int) -> Scrape:
    """Wait until the page shows this number of requests to the service's servers; return the page."""
    return wait_for_scrape(
        proxy.admin, lambda now: request_count(now, service) == requests, f"{requests} requests"
    )


def send_requests(proxy: Proxy, host: str, count: int) -> None:
    """Send `count` requests, each on its own connection, which spreads them over the workers."""
    for _ in range(count):
        assert proxy.status(host) == 200


def test_requests_to_all_workers_count_once_at_the_server_that_responded(proxy: Proxy, origin: Start) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    host = proxy.route(one, two)
    service = service_of(host)
    proxy.services[service] = Service(
        service, (Server("a", "127.0.0.1", one.port, weight=3), Server("b", "127.0.0.1", two.port))
    )
    proxy.publish()
    bodies = Counter(proxy.get(host) for _ in range(20))
    # 15 and 5, unless a ticket was late.
    assert bodies.keys() == {"one", "two"}
    found = wait_for_count(proxy, service, 20)
    for server, body in ((one, "one"), (two, "two")):
        labels = {"service": service, "url": url(server)}
        assert found.only(REQUESTS, code="200", **labels) == bodies[body]
        assert found.only(f"{DURATIONS}_count", **labels) == bodies[body]
        assert found.only(f"{DURATIONS}_bucket", le="+Inf", **labels) == bodies[body]
        assert 0 < found.only(f"{DURATIONS}_sum", **labels) < 60
        assert found.only(FAILURES, **labels) == 0
    buckets = found.samples[f"{DURATIONS}_bucket"]
    bounds = {dict(key)["le"] for key in buckets if dict(key)["service"] == service}
    assert bounds == {"0.1", "0.7", "5.0", "+Inf"}


def test_requests_without_a_server_count_at_none(proxy: Proxy, origin: Start) -> None:
    proxy.middlewares["gone"] = Middleware("gone", "chain", {"middlewares": ["nowhere"]})
    server = origin(http_response(b"hello"))
    host, refused = proxy.route(server), proxy.route(server, middlewares=("gone",))
    empty = proxy.route()
    with Client(proxy.web) as client:
        # One after the other on one connection, which might still have the last request's server.
        for name, status in ((host, 200), ("nobody.test", 404), (refused, 503), (empty, 503), (host, 200)):
            client.send(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            assert client.answer().status == status
        client.send(b"nonsense\r\n\r\n")
        assert client.answer().status == 400
    found = wait_for_scrape(
        proxy.admin,
        lambda now: (
            now.sum("traefik_entrypoint_requests_total", code="503") >= 2
            and request_count(now, service_of(host)) >= 2
        ),
        "all of them",
    )
    assert request_count(found, service_of(host)) == found.only(
        REQUESTS, service=service_of(host), url=url(server), code="200"
    )
    assert request_count(found, service_of(host)) == 2
    assert not request_count(found, service_of(refused))
    assert not request_count(found, service_of(empty))


def test_statuses_of_servers_are_counted_separately(proxy: Proxy, origin: Start) -> None:
    def by_path(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            code = request.target.removeprefix("/")
            connection.send(f"HTTP/1.1 {code} So\r\nContent-Length: 0\r\n\r\n".encode())

    server = origin(by_path)
    host = proxy.route(server)
    codes = ("200", "404", "200", "500", "302", "404", "200")
    assert [str(proxy.status(host, f"/{code}")) for code in codes] == list(codes)
    found = wait_for_count(proxy, service_of(host), len(codes))
    labels = {"service": service_of(host), "url": url(server)}
    for code, number in Counter(codes).items():
        assert found.only(REQUESTS, code=code, **labels) == number


def test_a_retry_counts_at_the_second_server_and_as_a_failure_of_the_first(
    proxy: Proxy, origin: Start
) -> None:
    dead, server = free_port(), origin(http_response(b"hello"))
    host = proxy.route(dead, server)
    send_requests(proxy, host, 4)
    found = wait_for_count(proxy, service_of(host), 4)
    service = service_of(host)
    assert found.only(REQUESTS, service=service, url=url(server), code="200") == 4
    assert request_count(found, service, url=url(dead)) == 0
    failed = found.only(FAILURES, service=service, url=url(dead))
    assert failed == found.only("traefik_service_retries_total", service=service)
    assert failed >= 1
    assert found.only(FAILURES, service=service, url=url(server)) == 0


def test_a_request_without_any_response_counts_at_the_last_server(proxy: Proxy, origin: Start) -> None:
    def resets(connection: Connection) -> None:
        connection.read_head()
        connection.reset()

    dead, rude = free_port(), origin(resets)
    host, other = proxy.route(dead), proxy.route(rude)
    assert proxy.status(host) == proxy.status(other) == 502
    found = wait_for_scrape(
        proxy.admin,
        lambda now: request_count(now, service_of(host)) == 1 and request_count(now, service_of(other)) == 1,
        "both requests",
    )
    for name, port in ((host, dead), (other, rude.port)):
        labels = {"service": service_of(name), "url": url(port)}
        assert found.only(REQUESTS, code="502", **labels) == 1
        assert found.only(FAILURES, **labels) >= 1


def test_an_error_of_the_client_is_not_a_failure_of_the_server(proxy: Proxy, origin: Start) -> None:
    server = origin(http_response(b"hello"))
    host = proxy.route(server)
    with Client(proxy.web) as client:
        client.send(
            f"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".encode()
        )
        until(lambda: server.requests, "a request at the server")
        client.send(b"nonsense\r\n")
        assert client.answer().status == 400
    found = wait_for_count(proxy, service_of(host), 1)
    labels = {"service": service_of(host), "url": url(server)}
    assert found.only(REQUESTS, code="400", **labels) == 1
    assert found.only(FAILURES, **labels) == 0


def test_a_websocket_counts_when_it_ends_and_is_in_no_histogram(proxy: Proxy) -> None:
    with EchoServer() as echo:
        host = proxy.route(echo.port)
        with connect_websockets(proxy.web, host, 3) as clients:
            assert all(send_and_compare(clients, "hello"))
        found = wait_for_count(proxy, service_of(host), 3)
    assert found.only(REQUESTS, service=service_of(host), url=url(echo.port), code="101") == 3
    assert not found.sum(f"{DURATIONS}_count", service=service_of(host))


def test_servers_of_a_composite_service_count_under_their_member_service(proxy: Proxy, origin: Start) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    proxy.services["m1"] = Service("m1", (Server("a", "127.0.0.1", one.port),))
    proxy.services["m2"] = Service("m2", (Server("b", "127.0.0.1", two.port),))
    members = (Member("m1", 3), Member("m2", 1))
    proxy.services["both"] = Service("both", composition="weighted", members=members)
    proxy.routers["both"] = Router("both", v3.parse("Host(`both.test`)"), "both", 10)
    proxy.routers["alone"] = Router("alone", v3.parse("Host(`alone.test`)"), "m1", 10)
    proxy.publish()
    send_requests(proxy, "both.test", 8)
    send_requests(proxy, "alone.test", 2)
    # 8 and 2, unless a ticket was late.
    by_one, by_two = len(one.requests), len(two.requests)
    assert by_one + by_two == 10
    assert by_two
    found = wait_for_scrape(
        proxy.admin,
        lambda now: request_count(now, "m1") == by_one and request_count(now, "m2") == by_two,
        "all requests",
    )
    assert found.only(REQUESTS, service="m1", url=url(one), code="200") == by_one
    assert found.only(REQUESTS, service="m2", url=url(two), code="200") == by_two
    assert not request_count(found, "both")


def test_requests_of_sticky_clients_count_at_their_server(proxy: Proxy, origin: Start) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    host = proxy.route(one, two)
    proxy.tune(host, sticky=StickyCookie("kept"))
    first = http.request(proxy.web, host)
    cookie = str(first.header("Set-Cookie")).partition(";")[0]
    for _ in range(5):
        assert http.request(proxy.web, host, headers={"Cookie": cookie}).text == first.text
    found = wait_for_count(proxy, service_of(host), 6)
    server = one if first.text == "one" else two
    assert found.only(REQUESTS, service=service_of(host), url=url(server), code="200") == 6


def test_a_removed_server_disappears_and_its_service_keeps_its_counts(proxy: Proxy, origin: Start) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    host = proxy.route(one, two)
    service = service_of(host)
    send_requests(proxy, host, 10)
    before = wait_for_count(proxy, service, 10)
    labels = {"service": service, "url": url(two)}
    by_one, by_two = len(one.requests), len(two.requests)
    assert by_one
    assert before.only(REQUESTS, code="200", **labels) == by_two
    both = proxy.services[service]
    proxy.services[service] = Service(service, both.servers[:1])
    proxy.publish()

    def left(now: Scrape) -> bool:
        assert now.sum("traefik_service_requests_total", service=service) == 10
        return request_count(now, service) == by_one and not now.sum(f"{DURATIONS}_count", **labels)

    wait_for_scrape(proxy.admin, left, "the removal of the server")
    with connect(proxy.store.url) as client:
        keys = list(client.scan_iter(match="*:metrics:*:servers"))
        assert keys
        until(
            lambda: not any(client.hexists(key, server_field(service, url(two))) for key in keys),
            "nothing of it in the store",
        )
    proxy.services[service] = both
    proxy.publish()
    send_requests(proxy, host, 4)
    found = wait_for_scrape(
        proxy.admin, lambda now: request_count(now, service) == by_one + 4, "it again, from the beginning"
    )
    assert found.only(REQUESTS, code="200", **labels) == len(two.requests) - by_two > 0


def test_a_worker_reports_its_counts_by_server(proxy: Proxy, origin: Start) -> None:
    server = origin(http_response(b"hello"))
    host = proxy.route(server)
    send_requests(proxy, host, 6)
    found: dict[int, int] = {}

    def reported() -> bool:
        worker = json.loads(http.request(proxy.admin, "localhost", "/api/rawdata").body)["worker"]
        counts = worker["servers"].get(service_of(host), {}).get(url(server), {})
        found[worker["pid"]] = counts.get("codes", {}).get("200", 0)
        return len(found) == WORKERS

    until(reported, "the reports of both workers")
    assert sum(found.values()) == 6


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_sums_never_fall_when_workers_end(
    store: Store, short_path: Path, origin: Start, number: signal.Signals
) -> None:
    with running_proxy(short_path, store, *FLAGS, workers=WORKERS) as proxy:
        host = proxy.route(origin(http_response(b"a")), origin(http_response(b"b")))
        service = service_of(host)
        send_requests(proxy, host, 20)
        wait_for_count(proxy, service, 20)
        for worker in set(descendants(proxy.process.pid)):
            os.kill(worker, number)
            until(lambda gone=worker: gone not in descendants(proxy.process.pid), "its end")
            until(lambda: len(descendants(proxy.process.pid)) == WORKERS, "its successor")
            for _ in range(5):
                assert request_count(scrape(proxy.admin), service) == 20
        send_requests(proxy, host, 10)

        def all_counted(now: Scrape) -> bool:
            assert request_count(now, service) >= 20
            return request_count(now, service) == 30 and now.sum("rondpoint_workers") == WORKERS

        found = wait_for_scrape(proxy.admin, all_counted, "30 requests, counted by two workers that live")
        assert len(found.samples[FAILURES]) == 2


def test_instances_are_reported_separately_and_together(
    store: Store, short_path: Path, origin: Start
) -> None:
    second = short_path / "2"
    second.mkdir()
    with (
        running_proxy(short_path, store, *FLAGS, workers=WORKERS) as one,
        running_proxy(second, store, *FLAGS, workers=WORKERS) as two,
    ):
        server = origin(http_response(b"a"))
        host = one.route(server)
        service = service_of(host)
        two.wait_for(one.revision)
        send_requests(one, host, 7)
        send_requests(two, host, 5)
        wait_for_count(one, service, 7)
        wait_for_scrape(two.admin, lambda now: request_count(now, service) == 5, "5 requests")
        found = wait_for_scrape(
            one.admin,
            lambda now: request_count(now, service) == 12,
            "all of them",
            "?scope=installation",
        )
        by_instance = {
            dict(key)["rondpoint_instance"]: count for key, count in found.samples[REQUESTS].items()
        }
        assert sorted(by_instance.values()) == [5, 7]


def test_the_dashboard_has_server_metrics_even_if_prometheus_does_not(
    store: Store, short_path: Path, origin: Start
) -> None:
    flags = ("--metrics.prometheus.addServersLabels=false",)
    with running_proxy(short_path, store, *flags) as proxy:
        server = origin(http_response(b"a"))
        host = proxy.route(server)
        send_requests(proxy, host, 3)
        found = wait_for_scrape(
            proxy.admin,
            lambda now: now.sum("traefik_service_requests_total", service=service_of(host)) == 3,
            "the requests",
        )
        assert not any("rondpoint_server_requests" in name for name in (*found.types, *found.samples))
        with connect(store.url) as client:
            # Workers write the server counts after the counts on the page.
            (worker,) = until(
                lambda: [key for key in client.scan_iter(match="*:servers") if client.hlen(key)], "its counts"
            )
            assert worker.decode().startswith(Keys().metrics(""))
