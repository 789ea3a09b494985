"""`/api/instances` and `/health`: what workers tell of themselves and have answered together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proxy.admin.endpoints.health import Answered, health_of
from proxy.admin.endpoints.instances import by_instance
from rondpoint.store.workers import WorkerStatus
from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy


def ask(proxy: Proxy, path: str) -> Any:
    response = http.request(proxy.admin, "localhost", path)
    assert response.status == 200, response
    return json.loads(response.body)


def test_every_worker_is_listed_with_the_revision_that_it_serves(store: Store, short_path: Path) -> None:
    with running_proxy(short_path, store, workers=2) as proxy:
        proxy.publish()

        def all_current() -> Any:
            found = ask(proxy, "/api/instances")
            (instance,) = found["instances"] or [None]
            return found if instance and instance["current"] and len(instance["workers"]) == 2 else None

        found = until(all_current, "both workers current")
        (instance,) = found["instances"]
        assert found["answering"] == instance["name"]
        assert {worker["pid"] for worker in instance["workers"]} == set(descendants(proxy.process.pid))
        assert {worker["revision"] for worker in instance["workers"]} == {found["revision"]}
        assert found["store"]["connected"] is True
        assert found["agents"] == {}
        store.kill()
        found = ask(proxy, "/api/instances")
        assert (found["revision"], found["instances"]) == (None, [])


def test_workers_that_are_silent_or_behind_are_told_apart() -> None:
    workers = {
        "a": WorkerStatus("a", "one", "h", 1, 10.0, 100.0, revision=7),
        "b": WorkerStatus("b", "one", "h", 2, 20.0, 60.0, revision=6),
        "c": WorkerStatus("c", "two", "h", 3, 20.0, 99.0, revision=6),
        "d": WorkerStatus("d", "three", "h", 4, 20.0, 60.0, revision=7),
    }
    views = {view.name: view for view in by_instance(workers, 7, 101.0)}
    assert {name: view.current for name, view in views.items()} == {"one": True, "two": False, "three": False}
    assert [(worker.name, worker.alive, worker.current) for worker in views["one"].workers] == [
        ("a", True, True),
        ("b", False, False),
    ]


def test_health_tells_what_all_workers_have_answered(store: Store, short_path: Path) -> None:
    with running_proxy(short_path, store, workers=2) as proxy, Origin.named("one") as origin:
        host = proxy.route(origin)
        for _ in range(5):
            proxy.get(host)
        for _ in range(3):
            assert proxy.status("nowhere.test") == 404

        def counted() -> Any:
            found = ask(proxy, "/health")
            codes = found["total_status_code_count"]
            return found if codes.get("200", 0) >= 5 and codes.get("404", 0) >= 3 else None

        found = until(counted, "the counts of both workers")
        assert found["pid"] == proxy.process.pid
        assert found["total_count"] == sum(found["total_status_code_count"].values())
        assert found["total_response_size"] >= 15
        assert 0 < found["average_response_time_sec"] < 10
        assert found["uptime_sec"] > 0
        assert abs(found["unixtime"] - short_path.stat().st_mtime) < 600
        store.kill()
        assert http.request(proxy.admin, "localhost", "/health").status == 503


def test_counts_are_also_told_since_the_last_look() -> None:
    before = Answered({"200": 5, "404": 1}, 6, 3.0, 600)
    found = health_of(Answered({"200": 7, "404": 1, "502": 2}, 10, 5.0, 1000), before, 40.0, 100.0)
    assert found.status_code_count == {"200": 2, "502": 2}
    assert (found.count, found.total_count, found.uptime) == (4, 10, "1m0s")
    assert (found.average_response_time, found.average_response_size) == ("500ms", 100)
    # A proxy that began anew counts from nothing.
    found = health_of(Answered({"200": 1}, 1, 1.0, 1), before, 40.0, 100.0)
    assert found.status_code_count == {}
