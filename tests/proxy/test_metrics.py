"""`/metrics` of a running proxy: the sums of all workers, dead ones included."""

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
from tests.lab.origin import Start, http_response
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy, running_proxy, watched
from tests.proxy.scraping import Scrape, scrape, wait_for_scrape
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
    """A proxy with two workers."""
    yield from watched(shared)


def service_requests(scrape: Scrape, host: str) -> float:
    return scrape.sum("traefik_service_requests_total", service=host.split(".", maxsplit=1)[0])


def send_requests(proxy: Proxy, host: str, count: int) -> None:
    """Send `count` requests, each on its own connection, which spreads them over the workers."""
    for _ in range(count):
        assert proxy.status(host) == 200


def test_requests_to_all_workers_count_once_on_each_level(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"hello")))
    name = host.split(".")[0]
    before = scrape(proxy.admin)
    send_requests(proxy, host, 20)
    for _ in range(3):
        http.request(proxy.web, host, "/", method="POST", body=b"x" * 100)
    found = wait_for_scrape(proxy.admin, lambda now: service_requests(now, host) == 23, "23 requests")
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


def test_unrouted_requests_count_only_at_the_entry_point(proxy: Proxy) -> None:
    labels = {"entrypoint": "web", "method": "GET", "protocol": "http", "code": "404"}
    proxy.status("nobody.test")
    found = wait_for_scrape(
        proxy.admin, lambda now: bool(now.sum("traefik_entrypoint_requests_total", **labels)), "the 404"
    )
    assert not found.sum("traefik_router_requests_total", code="404")


def test_a_request_that_a_middleware_answers_counts_at_the_router_only(proxy: Proxy, origin: Start) -> None:
    proxy.middlewares["gone"] = Middleware("gone", "chain", {"middlewares": ["nowhere"]})
    host = proxy.route(origin(http_response(b"hello")), middlewares=("gone",))
    assert proxy.status(host) == 503
    name = host.split(".")[0]
    found = wait_for_scrape(
        proxy.admin, lambda now: bool(now.sum("traefik_router_requests_total", router=name)), "the 503"
    )
    assert found.sum("traefik_router_requests_total", router=name, code="503") == 1
    assert service_requests(found, host) == 0


def test_upgrades_and_event_streams_have_their_own_protocol_label(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"data: 1\n\n")))
    http.request(proxy.web, host, headers={"Accept": "text/event-stream"})
    name = host.split(".")[0]
    found = wait_for_scrape(proxy.admin, lambda now: service_requests(now, host) == 1, "the request")
    assert found.sum("traefik_service_requests_total", service=name, protocol="sse") == 1


def test_open_connections_are_counted(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"hello")))
    labels = {"entrypoint": "web", "protocol": "TCP"}

    def open_now(count: float) -> Callable[[Scrape], bool]:
        return lambda now: now.only("traefik_open_connections", **labels) == count

    with Client(proxy.web) as one, Client(proxy.web) as two:
        for client in (one, two):
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
        wait_for_scrape(proxy.admin, open_now(2), "two connections")
    wait_for_scrape(proxy.admin, open_now(0), "none any more")


def test_an_unreachable_server_counts_as_a_retry(proxy: Proxy, origin: Start) -> None:
    port = free_port()
    host = proxy.route(port, origin(http_response(b"hello")))
    send_requests(proxy, host, 4)
    name = host.split(".")[0]
    found = wait_for_scrape(proxy.admin, lambda now: service_requests(now, host) == 4, "4 requests")
    ejected = (("url", f"http://127.0.0.1:{port}"),)
    wait_for_scrape(
        proxy.admin, lambda now: ejected in now.samples.get("rondpoint_server_ejected", {}), "the ejection"
    )
    assert 1 <= found.only("traefik_service_retries_total", service=name) <= 4


def test_health_checks_are_reported(proxy: Proxy) -> None:
    servers = (Server("s", "127.0.0.1", 1), Server("t", "127.0.0.1", 2, state=ServerState.DOWN))
    proxy.services["checked"] = Service("checked", servers, health_check=HealthCheck("/"))
    proxy.services["unchecked"] = Service("unchecked", servers)
    proxy.publish()
    found = wait_for_scrape(proxy.admin, lambda now: "traefik_service_server_up" in now.samples, "servers")
    assert found.samples["traefik_service_server_up"] == {
        (("service", "checked"), ("url", "http://127.0.0.1:1")): 1,
        (("service", "checked"), ("url", "http://127.0.0.1:2")): 0,
    }


def test_rondpoints_own_metrics(proxy: Proxy, origin: Start) -> None:
    first = wait_for_scrape(proxy.admin, lambda now: now.sum("rondpoint_workers") == WORKERS, "both workers")
    assert first.types["rondpoint_config_propagation_seconds"] == "histogram"
    published = time.time()
    propagations = "rondpoint_config_propagation_seconds_count"
    host = proxy.route(origin(http_response(b"a")), origin(http_response(b"b")))
    send_requests(proxy, host, 10)

    def reported(now: Scrape) -> bool:
        # Each worker reports once a second, at its own time.
        return (
            now.sum("traefik_config_last_reload_success") >= published
            and now.sum("rondpoint_config_revision") > first.sum("rondpoint_config_revision")
            and service_requests(now, host) == 10
            and now.sum("traefik_config_reloads_total") > first.sum("traefik_config_reloads_total")
            and now.sum("rondpoint_tickets_total") >= first.sum("rondpoint_tickets_total") + 10
            and now.sum("rondpoint_workers_degraded") == 0
            and now.sum(propagations) >= first.sum(propagations) + WORKERS
        )

    found = wait_for_scrape(proxy.admin, reported, "the change and the requests")
    propagated = found.sum(propagations)
    assert found.sum("rondpoint_instances") == 1
    assert found.sum("rondpoint_agents") == 0
    assert 0 <= found.sum("rondpoint_config_age_seconds") < 60
    assert found.sum("rondpoint_config_propagation_seconds_sum") < 60 * propagated


def test_the_scope_installation_labels_each_instance(proxy: Proxy) -> None:
    found = wait_for_scrape(
        proxy.admin, lambda now: bool(now.sum("rondpoint_workers")), "workers", "?scope=installation"
    )
    (key,) = found.samples["rondpoint_workers"]
    assert [name for name, _ in key] == ["rondpoint_instance"]


def kernel_sums(pids: list[int]) -> dict[str, float]:
    """Return the kernel's values of these processes, by metric."""
    used = sum(process.own + process.reaped for process in members(pids[0]))
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[:2] for pid in pids]
    return {
        "process_virtual_memory_bytes": sum(int(virtual) for virtual, _ in pages) * PAGE,
        "process_resident_memory_bytes": sum(int(resident) for _, resident in pages) * PAGE,
        "process_open_fds": sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        "process_cpu_seconds_total": used / TICKS,
    }


def start_time(pid: int) -> float:
    """Return the start time of a process in Unix seconds."""
    (process,) = (each for each in members(pid) if each.pid == pid)
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + process.started / TICKS


def test_process_metrics_sum_master_and_workers(proxy: Proxy) -> None:
    master = proxy.process.pid
    workers = descendants(master)
    assert len(workers) == WORKERS
    pids = [master, *workers]
    expected: dict[str, float] = {}

    def alike(now: Scrape) -> bool:
        expected.update(kernel_sums(pids))
        # Connections change the memory in use a little; each of the three processes has more than that.
        return all(abs(now.only(name) - value) <= value / 8 for name, value in expected.items())

    found = wait_for_scrape(proxy.admin, alike, "the values of the kernel")
    for name in expected:
        assert found.types[name.removesuffix("_total")] == ("counter" if "cpu" in name else "gauge")
    limits = {resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] for pid in workers}
    assert {found.only("process_max_fds")} == limits
    began_at = found.only("process_start_time_seconds")
    assert start_time(master) - 1 < began_at < min(map(start_time, workers)) + 1
    # The same from any worker.
    assert {scrape(proxy.admin).only("process_start_time_seconds") for _ in range(10)} == {began_at}


def test_process_metrics_belong_to_the_instance_that_serves_the_page(proxy: Proxy) -> None:
    found = wait_for_scrape(
        proxy.admin, lambda now: bool(now.sum("rondpoint_workers")), "workers", "?scope=installation"
    )
    (key,) = found.samples["rondpoint_workers"]
    assert set(found.samples["process_cpu_seconds_total"]) == {key}


def test_openmetrics_is_served_on_request(proxy: Proxy) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    response = http.request(proxy.admin, "localhost", "/metrics", headers={"Accept": accept})
    assert (response.header("Content-Type") or "").startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF")


def test_a_removed_router_disappears_and_other_counts_stay(proxy: Proxy, origin: Start) -> None:
    server = origin(http_response(b"hello"))
    host, other = proxy.route(server), proxy.route(server)
    send_requests(proxy, host, 5)
    send_requests(proxy, other, 3)
    name = host.split(".")[0]
    before = wait_for_scrape(
        proxy.admin,
        lambda now: service_requests(now, host) == 5 and service_requests(now, other) == 3,
        "8 requests",
    )
    # The service stays, with the requests of the removed router.
    del proxy.routers[name]
    proxy.routers["another"] = Router("another", v3.parse("Host(`another.test`)"), name, 10)
    proxy.publish()

    def gone(now: Scrape) -> bool:
        assert service_requests(now, host) == 5
        total = "traefik_entrypoint_requests_total"
        assert now.sum(total) >= before.sum(total)
        return not now.sum("traefik_router_requests_total", router=name)

    wait_for_scrape(proxy.admin, gone, "the removal of the router")


def sums(scrape: Scrape) -> tuple[float, float, float]:
    return (
        scrape.sum("traefik_entrypoint_requests_total", code="200"),
        scrape.sum("rondpoint_tickets_total"),
        # A worker's start uses more CPU than all its work here.
        scrape.only("process_cpu_seconds_total"),
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_sums_never_fall_when_workers_end(
    store: Store, short_path: Path, origin: Start, number: signal.Signals
) -> None:
    with running_proxy(short_path, store, *FLAGS, workers=WORKERS) as proxy:
        host = proxy.route(origin(http_response(b"a")), origin(http_response(b"b")))
        send_requests(proxy, host, 30)
        last = sums(
            wait_for_scrape(proxy.admin, lambda now: service_requests(now, host) == 30, "30 requests")
        )
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
                wait_for_scrape(proxy.admin, look, "sums")
        send_requests(proxy, host, 10)

        def all_counted(now: Scrape) -> bool:
            look(now)
            return service_requests(now, host) == 40 and seen["workers"] == WORKERS

        wait_for_scrape(proxy.admin, all_counted, "40 requests, counted by two workers that live")
    if number == signal.SIGTERM:
        assert "Traceback" not in proxy.process.log, proxy.process.log


def test_tls_requests_have_version_and_cipher(store: Store, short_path: Path, origin: Start) -> None:
    port, certificate = free_port(), write_certificate(short_path / "own.pem")
    flags = (
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        f"--entryPoints.websecure.tls.certificates={certificate},{certificate}",
    )
    with running_proxy(short_path, store, *FLAGS, *flags) as proxy:
        host = proxy.route(origin(http_response(b"hello")))
        with SecureClient(port, certificate) as client:
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.answer().status == 200
        found = wait_for_scrape(proxy.admin, lambda now: service_requests(now, host) == 1, "the request")
        name = host.split(".")[0]
        tls = {"tls_version": "1.3", "tls_cipher": "TLS_AES_128_GCM_SHA256"}
        assert found.only("traefik_entrypoint_requests_tls_total", entrypoint="websecure", **tls) == 1
        assert found.only("traefik_service_requests_tls_total", service=name, **tls) == 1
        assert found.only("traefik_router_requests_tls_total", router=name, service=name, **tls) == 1
        ((labels, ends),) = found.samples["traefik_tls_certs_not_after"].items()
        assert {"cn": "origin", "sans": "localhost"}.items() <= dict(labels).items()
        assert 86_400 < ends - time.time() < 3 * 86_400


def test_without_the_setting_there_is_no_page(store: Store, short_path: Path) -> None:
    with running_proxy(short_path, store) as proxy:
        assert http.request(proxy.admin, "localhost", "/metrics").status == 404


def test_without_the_store_the_page_responds_with_503(store: Store, short_path: Path) -> None:
    with running_proxy(short_path, store, *FLAGS) as proxy:
        scrape(proxy.admin)
        store.kill()
        assert http.request(proxy.admin, "localhost", "/metrics", timeout=60).status == 503
