"""Waiting until every worker of every instance has what the source has."""

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
"""By service, the URLs of the servers that take requests."""

ASKED = 40
"""Times that an instance is asked in one round: each of its workers answers for itself, by chance."""

INTERVAL = 0.02


def converge(
    instances: Sequence[Installation], store: str, expected: Servers, *, timeout: float = 90.0
) -> float:
    """Seconds until all workers tell the revision of the store at this URL, and the servers of `expected`.

    None of them is put aside then, and turns are shared. Raises AssertionError with what was different last.
    """
    began = time.monotonic()
    while (difference := _difference(instances, store, expected)) is not None:
        assert time.monotonic() - began < timeout, f"not the same everywhere in {timeout:g} s: {difference}"
        time.sleep(INTERVAL)
    return time.monotonic() - began


def _difference(instances: Sequence[Installation], store: str, expected: Servers) -> str | None:
    try:
        with connect(store) as connection:
            stored = revision(connection, Keys())
        if stored is None:
            return "the store holds no revision"
        for instance in instances:
            for pid, report in reports(instance).items():
                if report["revision"] != stored:
                    return f"worker {pid} has revision {report['revision']}, the store {stored}"
                if not (report["store"]["connected"] and report["store"]["ticketsShared"]):
                    return f"worker {pid} is not at one with the store: {report['store']}"
                if aside := report["ejections"]["servers"]:
                    return f"worker {pid} knows of servers that are put aside: {aside}"
                for name, servers in expected.items():
                    found = _servers(report, name)
                    if found != servers:
                        return f"worker {pid} sends {name} to {sorted(found)}, not {sorted(servers)}"
    except (OSError, http.client.HTTPException, redis.RedisError) as error:
        return repr(error)
    return None


def reports(instance: Installation) -> dict[int, Any]:
    """What each of its workers tells, by process id. Raises OSError, HTTPException."""
    told: dict[int, Any] = {}
    running = workers(instance)
    for _ in range(ASKED):
        response = client.request(instance.admin, "localhost", "/api/rawdata", namespace=instance.namespace)
        if response.status != 200:
            raise http.client.HTTPException(f"/api/rawdata answers {response}")
        report = json.loads(response.body)
        told[report["worker"]["pid"]] = report
        if running and told.keys() >= running:
            return told
    raise http.client.HTTPException(f"of the workers {running}, only {list(told)} have answered")


def _servers(report: Any, name: str) -> frozenset[str]:
    service = report["services"].get(name, {"servers": []})
    return frozenset(server["url"] for server in service["servers"] if server["state"] == "up")
