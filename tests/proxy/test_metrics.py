"""`/metrics` of a running proxy: right over all workers, those that have died among them."""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.tree import members
from rondpoint.model import HealthCheck, Middleware, Router, Server, ServerState, Service
from rondpoint.rules import v3
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Start, answer
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy, running_proxy, watched
from tests.proxy.scraping import Scrape, scrape, scraped
from tests.proxy.wire.client import Client
from tests.proxy.wire.test_tls_clients import SecureClient

WORKERS = 2
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
FLAGS = ("--metrics.prometheus.addRoutersLabels", "--metrics.prometheus.buckets=0.1,0.7,5")


@pytest.fixture(scope="module")
def shared() -> Iterator[Proxy]:
    with lone_proxy(*FLAGS, workers=WORKERS) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared: Proxy) -> Iterator[Proxy]:
    """With two workers."""
    yield from watched(shared)


def of_service(scrape: Scrape, host: str) -> float:
    return scrape.sum("traefik_service_requests_total", service=host.split(".", maxsplit=1)[0])


def ask(proxy: Proxy, host: str, count: int) -> None:
    """So many requests, each over a connection of its own, which spreads them over the workers."""
    for _ in range(count):
        assert proxy.status(host) == 200


def test_requests_to_all_workers_are_counted_once_by_each_level(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(answer(b"hello")))
    name = host.split(".")[0]
    before = scrape(proxy.admin)
    ask(proxy, host, 20)
    for _ in range(3):
        http.request(proxy.web, host, "/", method="POST", body=b"x" * 100)
    found = scraped(proxy.admin, lambda now: of_service(now, host) == 23, "23 requests")
    plain = {"protocol": "http", "code": "200"}
    assert found.only("traefik_service_requests_total", service=name, method="GET", **plain) == 20
    posted = {"service": name, "method": "POST", **plain}
    assert found.only("traefik_service_requests_total", **posted) == 3
    assert found.only("traefik_service_requests_bytes_total", **posted) == 300
    assert found.only("traefik_service_responses_bytes_total", **posted) == 15
    assert found.only("traefik_router_requests_total", router=name, **posted) == 3
    assert found.only("traefik_router_request_duration_seconds_count", router=name, **posted) == 3
    assert (
        found.sum("traefik_entrypoint_requests_total", entrypoint="web", method="POST")
        - before.sum("traefik_entrypoint_requests_total", entrypoint="web", method="POST")
        == 3
    )
    buckets = found.samples["traefik_service_request_duration_seconds_bucket"]
    bounds = {dict(key)["le"] for key in buckets if dict(key)["service"] == name}
    assert bounds == {"0.1", "0.7", "5.0", "+Inf"}
    assert found.only("traefik_service_request_duration_seconds_bucket", le="+Inf", **posted) == 3
    assert 0 < found.only("traefik_service_request_duration_seconds_sum", **posted) < 30


def test_what_no_router_takes_is_counted_at_the_entry_point_alone(proxy: Proxy) -> None:
    labels = {"entrypoint": "web", "method": "GET", "protocol": "http", "code": "404"}
    proxy.status("nobody.test")
    found = scraped(
        proxy.admin, lambda now: bool(now.sum("traefik_entrypoint_requests_total", **labels)), "the 404"
    )
    assert not found.sum("traefik_router_requests_total", code="404")


def test_what_a_middleware_answers_has_come_to_the_router_and_not_to_the_service(
    proxy: Proxy, origin: Start
) -> None:
    proxy.middlewares["gone"] = Middleware("gone", "chain", {"middlewares": ["nowhere"]})
    host = proxy.route(origin(answer(b"hello")), middlewares=("gone",))
    assert proxy.status(host) == 503
    name = host.split(".")[0]
    found = scraped(
        proxy.admin, lambda now: bool(now.sum("traefik_router_requests_total", router=name)), "the 503"
    )
    assert found.sum("traefik_router_requests_total", router=name, code="503") == 1
    assert of_service(found, host) == 0


def test_upgrades_and_streams_of_events_are_told_apart(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(answer(b"data: 1\n\n")))
    http.request(proxy.web, host, headers={"Accept": "text/event-stream"})
    name = host.split(".")[0]
    found = scraped(proxy.admin, lambda now: of_service(now, host) == 1, "the request")
    assert found.sum("traefik_service_requests_total", service=name, protocol="sse") == 1


def test_open_connections_are_those_open_now(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(answer(b"hello")))
    labels = {"entrypoint": "web", "protocol": "TCP"}

    def open_now(count: float) -> Callable[[Scrape], bool]:
        return lambda now: now.only("traefik_open_connections", **labels) == count

    with Client(proxy.web) as one, Client(proxy.web) as two:
        for client in (one, two):
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
        scraped(proxy.admin, open_now(2), "two connections")
    scraped(proxy.admin, open_now(0), "none any more")


def test_a_server_that_cannot_be_reached_costs_a_retry(proxy: Proxy, origin: Start) -> None:
    port = free_port()
    host = proxy.route(port, origin(answer(b"hello")))
    ask(proxy, host, 4)
    name = host.split(".")[0]
    found = scraped(proxy.admin, lambda now: of_service(now, host) == 4, "4 requests")
    aside = (("url", f"http://127.0.0.1:{port}"),)
    scraped(proxy.admin, lambda now: aside in now.samples.get("rondpoint_server_ejected", {}), "it aside")
    assert 1 <= found.only("traefik_service_retries_total", service=name) <= 4


def test_servers_with_a_health_check_are_up(proxy: Proxy) -> None:
    servers = (Server("s", "127.0.0.1", 1), Server("t", "127.0.0.1", 2, state=ServerState.DOWN))
    proxy.services["checked"] = Service("checked", servers, health_check=HealthCheck("/"))
    proxy.services["unchecked"] = Service("unchecked", servers)
    proxy.publish()
    found = scraped(proxy.admin, lambda now: "traefik_service_server_up" in now.samples, "servers")
    assert found.samples["traefik_service_server_up"] == {
        (("service", "checked"), ("url", "http://127.0.0.1:1")): 1,
        (("service", "checked"), ("url", "http://127.0.0.1:2")): 0,
    }


def test_what_is_ours_stands_beside_it(proxy: Proxy, origin: Start) -> None:
    first = scraped(proxy.admin, lambda now: now.sum("rondpoint_workers") == WORKERS, "both workers")
    assert first.types["rondpoint_config_propagation_seconds"] == "histogram"
    published = time.time()
    propagations = "rondpoint_config_propagation_seconds_count"
    host = proxy.route(origin(answer(b"a")), origin(answer(b"b")))
    ask(proxy, host, 10)

    def told(now: Scrape) -> bool:
        # Workers tell once a second, each at its own time.
        return (
            now.sum("traefik_config_last_reload_success") >= published
            and now.sum("rondpoint_config_revision") > first.sum("rondpoint_config_revision")
            and of_service(now, host) == 10
            and now.sum("traefik_config_reloads_total") > first.sum("traefik_config_reloads_total")
            and now.sum("rondpoint_tickets_total") >= first.sum("rondpoint_tickets_total") + 10
            and now.sum("rondpoint_workers_degraded") == 0
            and now.sum(propagations) >= first.sum(propagations) + WORKERS
        )

    found = scraped(proxy.admin, told, "the change and the requests")
    propagated = found.sum(propagations)
    assert found.sum("rondpoint_instances") == 1
    assert found.sum("rondpoint_agents") == 0
    assert 0 <= found.sum("rondpoint_config_age_seconds") < 60
    assert found.sum("rondpoint_config_propagation_seconds_sum") < 60 * propagated


def test_all_instances_are_told_apart_when_all_are_asked_for(proxy: Proxy) -> None:
    found = scraped(
        proxy.admin, lambda now: bool(now.sum("rondpoint_workers")), "workers", "?scope=installation"
    )
    (key,) = found.samples["rondpoint_workers"]
    assert [name for name, _ in key] == ["rondpoint_instance"]


def kernel_sums(pids: list[int]) -> dict[str, float]:
    """What the kernel tells of these processes, by metric."""
    used = sum(process.own + process.reaped for process in members(pids[0]))
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[:2] for pid in pids]
    return {
        "process_virtual_memory_bytes": sum(int(virtual) for virtual, _ in pages) * PAGE,
        "process_resident_memory_bytes": sum(int(resident) for _, resident in pages) * PAGE,
        "process_open_fds": sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        "process_cpu_seconds_total": used / TICKS,
    }


def began(pid: int) -> float:
    """In Unix seconds."""
    (process,) = (each for each in members(pid) if each.pid == pid)
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + process.started / TICKS


def test_master_and_all_workers_are_told_together(proxy: Proxy) -> None:
    master = proxy.process.pid
    workers = descendants(master)
    assert len(workers) == WORKERS
    pids = [master, *workers]
    expected: dict[str, float] = {}

    def alike(now: Scrape) -> bool:
        expected.update(kernel_sums(pids))
        # Connections come and go, and memory with them; what any one of the three has is more.
        return all(abs(now.only(name) - value) <= value / 8 for name, value in expected.items())

    found = scraped(proxy.admin, alike, "what the kernel tells")
    for name in expected:
        assert found.types[name.removesuffix("_total")] == ("counter" if "cpu" in name else "gauge")
    limits = {resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] for pid in workers}
    assert {found.only("process_max_fds")} == limits
    began_at = found.only("process_start_time_seconds")
    assert began(master) - 1 < began_at < min(map(began, workers)) + 1
    # Whichever worker answers.
    assert {scrape(proxy.admin).only("process_start_time_seconds") for _ in range(10)} == {began_at}


def test_processes_are_told_of_the_instance_that_answers(proxy: Proxy) -> None:
    found = scraped(
        proxy.admin, lambda now: bool(now.sum("rondpoint_workers")), "workers", "?scope=installation"
    )
    (key,) = found.samples["rondpoint_workers"]
    assert set(found.samples["process_cpu_seconds_total"]) == {key}


def test_openmetrics_is_told_to_who_asks_for_it(proxy: Proxy) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    response = http.request(proxy.admin, "localhost", "/metrics", headers={"Accept": accept})
    assert (response.header("Content-Type") or "").startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF")


def test_a_router_that_goes_takes_its_counts_along_but_not_those_of_others(
    proxy: Proxy, origin: Start
) -> None:
    server = origin(answer(b"hello"))
    host, other = proxy.route(server), proxy.route(server)
    ask(proxy, host, 5)
    ask(proxy, other, 3)
    name = host.split(".")[0]
    before = scraped(
        proxy.admin, lambda now: of_service(now, host) == 5 and of_service(now, other) == 3, "8 requests"
    )
    # The service stays, with what it was asked by the router that goes.
    del proxy.routers[name]
    proxy.routers["another"] = Router("another", v3.parse("Host(`another.test`)"), name, 10)
    proxy.publish()

    def gone(now: Scrape) -> bool:
        assert of_service(now, host) == 5
        total = "traefik_entrypoint_requests_total"
        assert now.sum(total) >= before.sum(total)
        return not now.sum("traefik_router_requests_total", router=name)

    scraped(proxy.admin, gone, "the router gone")


def sums(scrape: Scrape) -> tuple[float, float, float]:
    return (
        scrape.sum("traefik_entrypoint_requests_total", code="200"),
        scrape.sum("rondpoint_tickets_total"),
        # A worker's start costs more than all that it does here.
        scrape.only("process_cpu_seconds_total"),
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_sum_falls_when_workers_end(
    store: Store, short_path: Path, origin: Start, number: signal.Signals
) -> None:
    with running_proxy(short_path, store, *FLAGS, workers=WORKERS) as proxy:
        host = proxy.route(origin(answer(b"a")), origin(answer(b"b")))
        ask(proxy, host, 30)
        last = sums(scraped(proxy.admin, lambda now: of_service(now, host) == 30, "30 requests"))
        first = set(descendants(proxy.process.pid))
        seen = {"workers": 0.0}

        def look(now: Scrape) -> bool:
            nonlocal last
            found = sums(now)
            assert all(new >= old for new, old in zip(found, last, strict=True)), (found, last)
            last = found
            seen["workers"] = now.sum("rondpoint_workers")
            return True

        for worker in first:
            os.kill(worker, number)
            until(lambda gone=worker: gone not in descendants(proxy.process.pid), "its end")
            until(lambda: len(descendants(proxy.process.pid)) == WORKERS, "its successor")
            for _ in range(5):
                scraped(proxy.admin, look, "sums")
        ask(proxy, host, 10)

        def all_counted(now: Scrape) -> bool:
            look(now)
            return of_service(now, host) == 40 and seen["workers"] == WORKERS

        scraped(proxy.admin, all_counted, "40 requests, counted by two workers that live")
    if number == signal.SIGTERM:
        assert "Traceback" not in proxy.process.log, proxy.process.log


def test_tls_is_told_with_version_and_cipher(store: Store, short_path: Path, origin: Start) -> None:
    port, certificate = free_port(), write_certificate(short_path / "own.pem")
    flags = (
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        f"--entryPoints.websecure.tls.certificates={certificate},{certificate}",
    )
    with running_proxy(short_path, store, *FLAGS, *flags) as proxy:
        host = proxy.route(origin(answer(b"hello")))
        with SecureClient(port, certificate) as client:
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
        found = scraped(proxy.admin, lambda now: of_service(now, host) == 1, "the request")
        name = host.split(".")[0]
        tls = {"tls_version": "1.3", "tls_cipher": "TLS_AES_256_GCM_SHA384"}
        assert found.only("traefik_entrypoint_requests_tls_total", entrypoint="websecure", **tls) == 1
        assert found.only("traefik_service_requests_tls_total", service=name, **tls) == 1
        assert found.only("traefik_router_requests_tls_total", router=name, service=name, **tls) == 1
        ((labels, ends),) = found.samples["traefik_tls_certs_not_after"].items()
        assert {"cn": "origin", "sans": "localhost"}.items() <= dict(labels).items()
        assert 86_400 < ends - time.time() < 3 * 86_400


def test_without_the_setting_there_is_no_page(store: Store, short_path: Path) -> None:
    with running_proxy(short_path, store) as proxy:
        assert http.request(proxy.admin, "localhost", "/metrics").status == 404


def test_without_the_store_there_is_no_answer_rather_than_a_wrong_one(store: Store, short_path: Path) -> None:
    with running_proxy(short_path, store, *FLAGS) as proxy:
        scrape(proxy.admin)
        store.kill()
        assert http.request(proxy.admin, "localhost", "/metrics", timeout=60).status == 503
