"""The store's master is killed: what is served goes on, and what comes after is served too."""

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
"""Seconds: a sentinel that was kept from working, on a busy machine, holds still for 30."""
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
    """Requests, one after the other, whose failures are kept."""

    def __init__(self, proxy: Installation, host: str) -> None:
        self._proxy = proxy
        self._host = host
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.count = 0
        self.failed: list[object] = []

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.is_set():
            self.count += 1
            try:
                response = self._proxy.request(self._host)
            except OSError as error:
                self.failed.append(error)
            else:
                if response.status != 200:
                    self.failed.append(response)


def worker_in_step(proxy: Installation) -> int:
    """The process id of the worker that happens to answer, if it has a configuration; otherwise 0."""
    told = proxy.api("/api/rawdata")
    return int(told["worker"]["pid"]) if told["revision"] else 0


def taken(url: str) -> int:
    """Tickets that were taken from the store."""
    with connect(url) as client, suppress(redis.RedisError):
        return int(client.hget(Keys().tickets, "all@file") or 0)  # type: ignore[arg-type]
    return 0


def test_nothing_is_lost_when_the_master_is_killed(
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
            lambda: len({worker_in_step(proxy) for _ in range(20)} - {0}) == WORKERS,
            "a configuration in all workers",
        )
        until(
            lambda: proxy.request("before.test").status == 200 and taken(group.url), "tickets from the store"
        )
        dead = group.master()
        with Load(proxy, "before.test") as load:
            dead.kill()
            route(routes, ports, "before", "after")
            proxy.wait_for("after.test", timeout=FAILOVER)
            until(lambda: load.count > 200, "some load", timeout=FAILOVER)

            def more(at_first: int) -> bool:
                return taken(group.url) > at_first + 50

            at_first = taken(group.url)
            until(lambda: more(at_first), "tickets from the new master", timeout=FAILOVER)
            dead.start()
            route(routes, ports, "before", "then")
            proxy.wait_for("then.test", timeout=FAILOVER)
            proxy.wait_for("after.test", status=404, timeout=FAILOVER)
        assert load.failed == []
        assert group.master() is not dead
