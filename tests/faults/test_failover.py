"""Redis with Sentinel or as a cluster: its master dies or freezes, and another one takes over."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.conftest import Report, Start
from tests.faults.site import new_site
from tests.lab.origin import http_response
from tests.lab.redis_server import Cluster, RedisServer, Sentinels
from tests.lab.waiting import until

FAILOVER = 150.0
"""Seconds: on a busy machine a delayed sentinel waits for 30 s before it acts again."""


@pytest.mark.parametrize(
    ("kind", "end", "restore", "name"),
    [
        (Sentinels, RedisServer.kill, RedisServer.start, "killed, Sentinel"),
        pytest.param(
            Sentinels, RedisServer.freeze, RedisServer.thaw, "frozen, Sentinel", marks=pytest.mark.full
        ),
        pytest.param(Cluster, RedisServer.kill, RedisServer.start, "killed, Cluster", marks=pytest.mark.full),
    ],
    ids=["killed", "frozen", "killed-in-a-cluster"],
)
def test_after_a_failover_agent_and_workers_use_the_new_master(
    origin: Start,
    report: Report,
    kind: type[Sentinels] | type[Cluster],
    end: Callable[[RedisServer], None],
    restore: Callable[[RedisServer], None],
    name: str,
) -> None:
    one, two, three = (origin(http_response(text)) for text in (b"one", b"two", b"three"))
    with (
        TemporaryDirectory(prefix="rp-") as directory,
        kind(Path(directory)) as group,
        new_site(group.url) as site,
    ):
        site.routes.serve(one, two)
        site.agent(site.routes.flag)
        for _ in range(2):
            site.instance()
        site.converge(site.routes.servers)
        with site.load(posts=2) as load:
            load.wait_for(100)
            old = group.master()
            end(old)
            site.routes.serve(two, three)
            until(lambda: group.master() is not old, "another master", timeout=FAILOVER)
            converged = site.converge(site.routes.servers)
            # For a while the old master still considers itself the master.
            restore(old)
            site.routes.serve(three)
            slowest = max(converged, site.converge(site.routes.servers))
            load.wait_for(100)
    report(f"Redis' master {name} has another one take over", load, converged=slowest)
    load.assert_no_failures()
