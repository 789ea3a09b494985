"""`/api/instances` and `/health`: the status and the response statistics of all workers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from proxy.admin.endpoints.health import ResponseTotals, build_health
from proxy.admin.endpoints.instances import group_by_instance
from rondpoint.store.metric_sums import add_worker_counts
from rondpoint.store.metrics import ServerError, WorkerCounts
from rondpoint.store.workers import WorkerStatus
from tests.lab import http
from tests.lab.origin import Origin, http_response
from tests.lab.ports import free_port
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


def test_silent_workers_and_outdated_workers_are_not_current() -> None:
    workers = {
        "a": WorkerStatus("a", "one", "h", 1, 10.0, 100.0, revision=7),
        "b": WorkerStatus("b", "one", "h", 2, 20.0, 60.0, revision=6),
        "c": WorkerStatus("c", "two", "h", 3, 20.0, 99.0, revision=6),
        "d": WorkerStatus("d", "three", "h", 4, 20.0, 60.0, revision=7),
    }
    views = {view.name: view for view in group_by_instance(workers, 7, 101.0)}
    assert {name: view.current for name, view in views.items()} == {"one": True, "two": False, "three": False}
    assert [(worker.name, worker.alive, worker.current) for worker in views["one"].workers] == [
        ("a", True, True),
        ("b", False, False),
    ]


def test_health_covers_the_responses_of_all_workers(store: Store, short_path: Path) -> None:
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


def test_health_names_the_last_errors_of_all_workers(store: Store, short_path: Path) -> None:
    flag = "--web.statistics.recentErrors=3"
    with (
        running_proxy(short_path, store, flag, workers=2) as proxy,
        Origin.named("one") as origin,
        Origin(http_response(b"no", status="599 Made Up")) as failing,
    ):
        good, bad, nowhere = proxy.route(origin), proxy.route(failing), proxy.route(free_port())

        def errors() -> list[dict[str, Any]]:
            return ask(proxy, "/health")["recent_errors"]

        for number in range(8):
            # Each request uses its own connection, so both workers serve some.
            assert proxy.status(bad if number % 2 else nowhere, f"/error{number}?secret=x") in (502, 599)
            proxy.get(good, "/fine")
            assert proxy.status("nowhere.test", "/not-found") == 404
        until(
            lambda: [each["path"] for each in errors()] == ["/error7", "/error6", "/error5"], "three errors"
        )
        found = errors()
        assert [each["status_code"] for each in found] == [599, 502, 599]
        assert [each["status"] for each in found] == ["", "Bad Gateway", ""]
        assert {(each["method"], each["host"]) for each in found} == {("GET", bad), ("GET", nowhere)}
        assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", each["time"]) for each in found)


def test_the_number_of_reported_errors_is_limited() -> None:
    recent_errors = tuple(ServerError(float(number), 500, "GET", "a", "/") for number in range(10, 0, -1))
    later = tuple(replace(fault, at=fault.at + 5.5) for fault in recent_errors)
    assert [
        fault.at
        for fault in add_worker_counts(
            WorkerCounts(recent_errors=recent_errors), WorkerCounts(recent_errors=later)
        ).recent_errors
    ] == [
        *(15.5, 14.5, 13.5, 12.5, 11.5, 10.5, 10.0, 9.5, 9.0, 8.5),
    ]


def test_health_also_counts_since_the_previous_request() -> None:
    before = ResponseTotals({"200": 5, "404": 1}, 6, 3.0, 600)
    found = build_health(ResponseTotals({"200": 7, "404": 1, "502": 2}, 10, 5.0, 1000), before, 40.0, 100.0)
    assert found.status_code_count == {"200": 2, "502": 2}
    assert (found.count, found.total_count, found.uptime) == (4, 10, "1m0s")
    assert (found.average_response_time, found.average_response_size) == ("500ms", 100)
    # A restarted proxy counts from 0.
    found = build_health(ResponseTotals({"200": 1}, 1, 1.0, 1), before, 40.0, 100.0)
    assert found.status_code_count == {}
