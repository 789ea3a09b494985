"""`/api/instances`: the proxies of this installation, their workers, the agents and the store."""

from __future__ import annotations

from collections.abc import Mapping
from time import time

import redis
from flask import Blueprint, Response
from msgspec import Struct

from proxy.admin.current_worker import Json, runtime
from proxy.admin.json_responses import json_response
from proxy.admin.status_reports import agents_report, store_report
from proxy.telemetry.instance import INSTANCE
from rondpoint.store.read import revision
from rondpoint.store.workers import WorkerStatus, read_workers

instances = Blueprint("instances", __name__, url_prefix="/api")


class WorkerView(Struct, frozen=True, rename="camel"):
    """The status of a worker; times are in Unix seconds, 0 for never.

    `current`: the worker is alive and serves the store's revision. `degraded`: it counts tickets locally.
    """

    name: str
    pid: int
    started_at: float
    seen_at: float
    alive: bool
    current: bool
    revision: int
    changed_at: float
    confirmed_at: float
    connections: dict[str, int]
    upgrades: int
    degraded: bool


class InstanceView(Struct, frozen=True, rename="camel"):
    """A proxy: one master process and its workers. `current`: it has live workers, all of them current."""

    name: str
    host: str
    version: str
    current: bool
    workers: list[WorkerView]


class Instances(Struct, frozen=True, rename="camel"):
    """The status of the installation. `answering` names the instance that sends the response.

    `revision` is the store's, or None if it has none or does not respond.
    """

    revision: int | None
    answering: str
    store: Json
    instances: list[InstanceView]
    agents: dict[str, Json]


@instances.get("/instances")
def list_instances() -> Response:
    """Return all instances, workers and agents, and the store's status."""
    stored, workers = read_status()
    return json_response(
        Instances(
            stored, INSTANCE, store_report(), group_by_instance(workers, stored, time()), agents_report()
        )
    )


def read_status() -> tuple[int | None, Mapping[str, WorkerStatus]]:
    """Read the revision and the workers from the store; return None and no workers if it does not respond."""
    worker = runtime()
    try:
        return revision(worker.client, worker.keys), read_workers(worker.client, worker.keys)
    except redis.RedisError:
        return None, {}


def group_by_instance(
    workers: Mapping[str, WorkerStatus], stored: int | None, now: float
) -> list[InstanceView]:
    """Return the instances with their workers, sorted by name."""
    grouped: dict[str, list[WorkerStatus]] = {}
    for worker in workers.values():
        grouped.setdefault(worker.instance, []).append(worker)
    return [_instance(name, grouped[name], stored, now) for name in sorted(grouped)]


def _instance(name: str, workers: list[WorkerStatus], stored: int | None, now: float) -> InstanceView:
    views = [_worker(worker, stored, now) for worker in workers]
    alive = [view for view in views if view.alive]
    newest = max(workers, key=lambda worker: worker.started_at)
    current = bool(alive) and all(view.current for view in alive)
    return InstanceView(name, newest.host, newest.version, current, views)


def _worker(worker: WorkerStatus, stored: int | None, now: float) -> WorkerView:
    alive = worker.alive(now)
    return WorkerView(
        name=worker.name,
        pid=worker.pid,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        alive=alive,
        current=alive and worker.revision == stored,
        revision=worker.revision,
        changed_at=worker.changed_at,
        confirmed_at=worker.confirmed_at,
        connections=worker.connections,
        upgrades=worker.upgrades,
        degraded=worker.degraded,
    )
