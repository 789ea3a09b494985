"""Workers are replaced after a reload, a number of requests, or their death, while requests go on."""

import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.lab import http
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.process.conftest import Begin
from tests.proxy.process.load import SLOWEST, Load
from tests.proxy.running import Proxy
from tests.proxy.wire.client import Client

_REPLACED = re.compile(r"has served (\d+) requests and is replaced")


def workers(proxy: Proxy) -> set[int]:
    return set(descendants(proxy.process.pid))


def get(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def reload(proxy: Proxy) -> None:
    """Reload, and wait until new workers accept; the old ones may still be leaving."""
    lines = proxy.process.line_count
    proxy.process.signal(signal.SIGHUP)
    proxy.process.wait_for_line("has a successor and stops accepting", after=lines)


@pytest.mark.parametrize("count", [1, 2])
def test_three_reloads_under_load_fail_no_request(begin: Begin, count: int) -> None:
    proxy = begin(workers=count)
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        before = workers(proxy)
        with Load(proxy.web, host) as load, Load(proxy.admin, "localhost", "/ping", 2) as pings:
            for _ in range(3):
                load.wait_for(100)
                reload(proxy)
            load.wait_for(100)
    assert load.failures == []
    assert pings.failures == []
    assert load.slowest < SLOWEST
    until(lambda: len(workers(proxy)) == count, "the end of the old workers")
    assert not workers(proxy) & before


def test_a_worker_serves_until_its_successor_is_ready(begin: Begin, store: Store, short_path: Path) -> None:
    proxy = begin()
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        (old,) = workers(proxy)

        def written() -> list[Path]:
            return [
                file
                for file in short_path.glob("configuration-*.jsonl")
                if host.encode() in file.read_bytes()
            ]

        (snapshot,) = until(written, "the snapshot of the last configuration")
        content = snapshot.read_bytes()
        store.kill()
        # Without the store, a worker starts with this file; as a FIFO it makes the worker wait.
        snapshot.unlink()
        os.mkfifo(snapshot)
        proxy.process.signal(signal.SIGHUP)
        until(lambda: len(workers(proxy)) == 2, "the successor")
        end = time.monotonic() + 11
        while time.monotonic() < end:
            assert proxy.get(host) == "here"
        assert old in workers(proxy)
        snapshot.write_bytes(content)
        until(lambda: old not in workers(proxy), "the end of the old worker", timeout=30)
        assert proxy.get(host) == "here"


def test_a_leaving_worker_serves_one_more_request_on_idle_connections(begin: Begin) -> None:
    proxy = begin()
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        with Client(proxy.web) as used, Client(proxy.web) as fresh:
            used.send(get(host))
            assert used.answer().header("Connection") is None
            (old,) = workers(proxy)
            reload(proxy)
            # Longer than the time that idle connections have when the whole proxy ends.
            time.sleep(2.0)
            for client in (used, fresh):
                client.send(get(host))
                last = client.answer()
                assert (last.status, last.header("Connection")) == (200, "close")
                assert client.ended()
        until(lambda: old not in workers(proxy), "the end of the old worker")


def test_idle_connections_are_closed_at_the_end_of_the_grace_time(begin: Begin) -> None:
    proxy = begin(
        "--entryPoints.web.transport.lifeCycle.graceTimeOut=1s",
        "--entryPoints.traefik.transport.lifeCycle.graceTimeOut=1s",
    )
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        with Client(proxy.web) as client:
            client.send(get(host))
            client.answer()
            began = time.monotonic()
            reload(proxy)
            assert client.ended()
            assert 0.9 < time.monotonic() - began < 60


def test_the_master_replaces_workers_while_old_ones_leave(begin: Begin) -> None:
    proxy = begin(
        "--entryPoints.web.transport.lifeCycle.graceTimeOut=120s",
        "--entryPoints.traefik.transport.lifeCycle.graceTimeOut=120s",
    )
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        with Client(proxy.web) as idle:
            idle.send(get(host))
            idle.answer()
            (old,) = workers(proxy)
            reload(proxy)
            (young,) = workers(proxy) - {old}
            os.kill(young, signal.SIGKILL)
            until(lambda: workers(proxy) - {old, young}, "a replacement of the killed worker")
            assert proxy.get(host) == "here"
            assert old in workers(proxy)


def test_a_killed_worker_is_replaced_and_service_goes_on(begin: Begin) -> None:
    proxy = begin(workers=2)
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        before = workers(proxy)
        with Load(proxy.web, host) as load:
            load.wait_for(200)
            killed = min(before)
            os.kill(killed, signal.SIGKILL)
            until(lambda: len(workers(proxy) - before) == 1, "a new worker")
            load.wait_for(500)
        # At most the requests in flight: each thread has one at a time.
        assert len(load.failures) <= 8, load.failures
        assert killed not in workers(proxy)


def test_workers_are_replaced_after_a_number_of_requests_and_none_fails(begin: Begin) -> None:
    proxy = begin("--limits.requestsPerWorker=300", workers=2)
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        with Load(proxy.web, host) as load:
            until(
                lambda: proxy.process.log.count("requests and is replaced") >= 4,
                "the replacements of workers",
            )
    assert load.failures == []
    assert load.slowest < SLOWEST
    until(lambda: len(workers(proxy)) == 2, "two workers")


def test_requests_to_the_admin_entry_point_replace_no_worker(begin: Begin) -> None:
    proxy = begin("--limits.requestsPerWorker=50")
    for path in ("/ping", "/api/version", "/none") * 50:
        assert http.request(proxy.admin, "localhost", path).status in (200, 404)
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        for _ in range(60):
            assert proxy.get(host) == "here"
    found = until(lambda: _REPLACED.search(proxy.process.log), "the replacement of the worker")
    assert 50 <= int(found[1]) < 100


def test_a_running_request_is_finished_by_its_worker(begin: Begin) -> None:
    proxy = begin()
    release = threading.Event()

    def slow(connection: Connection) -> None:
        while connection.read() is not None:
            release.wait(60)
            connection.send(http_response(b"late"))

    with Origin(slow) as origin:
        host = proxy.route(origin)
        with Client(proxy.web) as client:
            client.send(get(host))
            origin.wait_for_requests(1)
            reload(proxy)
            release.set()
            last = client.answer()
            assert (last.body, last.header("Connection")) == (b"late", "close")
            assert client.ended()


def test_a_request_sent_during_the_end_does_not_destroy_the_last_response(begin: Begin) -> None:
    proxy = begin()
    release = threading.Event()

    def slow(connection: Connection) -> None:
        connection.read()
        release.wait(60)
        connection.send(http_response(b"late"))

    with Origin(slow) as origin:
        host = proxy.route(origin)
        with Client(proxy.web) as client:
            client.send(get(host))
            origin.wait_for_requests(1)
            reload(proxy)
            client.send(get(host))
            release.set()
            assert client.answer().header("Connection") == "close"
            # A regular end, and no reset.
            assert client.ended()
        assert len(origin.requests) == 1
