"""The store's master is killed: requests continue, and later changes take effect."""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin
from tests.lab.processes import Processes
from tests.lab.redis_server import Cluster, Sentinels
from tests.lab.waiting import until

FAILOVER = 120.0
"""Seconds: on a busy machine a delayed sentinel waits for 30 s before it acts again."""
NAMES = ("a", "b", "c")
WORKERS = 2


@pytest.fixture(params=[Sentinels, Cluster])
def group(request: pytest.FixtureRequest) -> Iterator[Sentinels | Cluster]:
    with tempfile.TemporaryDirectory(prefix="rp-") as directory, request.param(Path(directory)) as group:
        yield group


def route(file: Path, ports: list[int], *hosts: str) -> None:
    servers = [{"url": f"http://127.0.0.1:{port}"} for port in ports]
    routers = {host: {"rule": f"Host(`{host}.test`)", "service": "all"} for host in hosts}
    new = file.with_suffix(".new")
    new.write_text(
        json.dumps(
            {"http": {"routers": routers, "services": {"all": {"loadBalancer": {"servers": servers}}}}}
        )
    )
    new.rename(file)


class Load:
    """Sends requests one after the other, and records failures."""

    def __init__(self, proxy: Installation, host: str) -> None:
        self._proxy = proxy
        self._host = host
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send_requests)
        self.count = 0
        self.failed: list[object] = []

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _send_requests(self) -> None:
        while not self._ended.is_set():
            self.count += 1
            try:
                response = self._proxy.request(self._host)
            except OSError as error:
                self.failed.append(error)
            else:
                if response.status != 200:
                    self.failed.append(response)


def configured_worker(proxy: Installation) -> int:
    """Return the process id of the worker that responds; 0 if it has no configuration."""
    report = proxy.api("/api/rawdata")
    return int(report["worker"]["pid"]) if report["revision"] else 0


def taken_tickets(url: str) -> int:
    """Return the number of tickets taken from the store."""
    with connect(url) as client, suppress(redis.RedisError):
        return int(client.hget(Keys().tickets, "all@file") or 0)  # type: ignore[arg-type]
    return 0


def test_no_request_and_no_change_is_lost_when_the_master_is_killed(
    processes: Processes, group: Sentinels | Cluster, tmp_path: Path
) -> None:
    routes = tmp_path / "routes.yml"
    shared = {"RONDPOINT_REDIS_URL": group.url, "RONDPOINT_STATEDIRECTORY": str(tmp_path)}
    with ExitStack() as stack:
        ports = [stack.enter_context(Origin.named(name)).port for name in NAMES]
        route(routes, ports, "before")
        for _ in range(2):
            processes("rondpoint", "agent", f"--providers.file.filename={routes}", environment=shared)
        proxy = start(processes, f"--workers={WORKERS}", command=("proxy",), environment=shared)
        proxy.wait_for("before.test")
        until(
            lambda: len({configured_worker(proxy) for _ in range(20)} - {0}) == WORKERS,
            "a configuration in all workers",
        )
        until(
            lambda: proxy.request("before.test").status == 200 and taken_tickets(group.url),
            "tickets from the store",
        )
        dead = group.master()
        with Load(proxy, "before.test") as load:
            dead.kill()
            route(routes, ports, "before", "after")
            proxy.wait_for("after.test", timeout=FAILOVER)
            until(lambda: load.count > 200, "some load", timeout=FAILOVER)

            def are_tickets_taken(at_first: int) -> bool:
                return taken_tickets(group.url) > at_first + 50

            at_first = taken_tickets(group.url)
            until(lambda: are_tickets_taken(at_first), "tickets from the new master", timeout=FAILOVER)
            dead.start()
            route(routes, ports, "before", "then")
            proxy.wait_for("then.test", timeout=FAILOVER)
            proxy.wait_for("after.test", status=404, timeout=FAILOVER)
        assert load.failed == []
        assert group.master() is not dead
