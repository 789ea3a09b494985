"""Waits until every worker of every instance has the configuration of the source."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.read import revision
from tests.faults.workers import workers
from tests.lab import http as client
from tests.lab.installation import Installation

Servers = Mapping[str, frozenset[str]]
"""The URLs of the servers that get requests, by service."""

MAX_REQUESTS = 40
"""Requests to one instance in one round: each request reaches a worker at random."""

INTERVAL = 0.02


def converge(
    instances: Sequence[Installation], store: str, expected: Servers, *, timeout: float = 90.0
) -> float:
    """Wait until all workers report the revision of the store at this URL and the servers of `expected`.

    No server may be ejected, and round robin must be shared. Return the seconds that it took. Raises
    AssertionError with the last difference.
    """
    began = time.monotonic()
    while (difference := _difference(instances, store, expected)) is not None:
        assert time.monotonic() - began < timeout, f"no convergence within {timeout:g} s: {difference}"
        time.sleep(INTERVAL)
    return time.monotonic() - began


def _difference(instances: Sequence[Installation], store: str, expected: Servers) -> str | None:
    try:
        with connect(store) as connection:
            stored = revision(connection, Keys())
        if stored is None:
            return "the store has no revision"
        for instance in instances:
            for pid, report in reports(instance).items():
                if report["revision"] != stored:
                    return f"worker {pid} has revision {report['revision']}, the store {stored}"
                if not (report["store"]["connected"] and report["store"]["ticketsShared"]):
                    return f"worker {pid} has no shared state with the store: {report['store']}"
                if ejected := report["ejections"]["servers"]:
                    return f"worker {pid} has ejected servers: {ejected}"
                for name, servers in expected.items():
                    found = _servers(report, name)
                    if found != servers:
                        return f"worker {pid} sends {name} to {sorted(found)}, not {sorted(servers)}"
    except (OSError, http.client.HTTPException, redis.RedisError) as error:
        return repr(error)
    return None


def reports(instance: Installation) -> dict[int, Any]:
    """Return the report of each worker by process id. Raises OSError and HTTPException."""
    found: dict[int, Any] = {}
    pids = workers(instance)
    for _ in range(MAX_REQUESTS):
        response = client.request(instance.admin, "localhost", "/api/rawdata", namespace=instance.namespace)
        if response.status != 200:
            raise http.client.HTTPException(f"/api/rawdata returns {response}")
        report = json.loads(response.body)
        found[report["worker"]["pid"]] = report
        if pids and found.keys() >= pids:
            return found
    raise http.client.HTTPException(f"of the workers {pids}, only {list(found)} have responded")


def _servers(report: Any, name: str) -> frozenset[str]:
    service = report["services"].get(name, {"servers": []})
    return frozenset(server["url"] for server in service["servers"] if server["state"] == "up")
