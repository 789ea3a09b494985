"""The proxies that share a store, with their workers."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from rondpoint.store.workers import WorkerStatus


class WorkerView(Struct, frozen=True, rename="camel"):
    """Times in Unix seconds; `connections` of clients by entry point, `upgrades` are tunnels among them.

    `degraded` tells that it counts whose turn it is by itself, as the store does not answer in time.
    """

    name: str
    pid: int
    version: str
    revision: int
    started_at: float
    seen_at: float
    confirmed_at: float
    connections: dict[str, int]
    upgrades: int
    degraded: bool


class InstanceView(Struct, frozen=True, rename="camel"):
    """A proxy, one master process; `revisions` are those in force in its workers: one, but for a moment."""

    name: str
    host: str
    revisions: tuple[int, ...]
    workers: tuple[WorkerView, ...]


def instance_views(workers: Iterable[WorkerStatus], now: float) -> list[InstanceView]:
    """In order of name; workers that have given no sign lately are left out."""
    by_instance: dict[str, list[WorkerStatus]] = {}
    for worker in workers:
        if worker.alive(now):
            by_instance.setdefault(worker.instance, []).append(worker)
    return [
        InstanceView(
            name,
            each[0].host,
            tuple(sorted({worker.revision for worker in each})),
            tuple(_view(worker) for worker in sorted(each, key=lambda worker: worker.name)),
        )
        for name, each in sorted(by_instance.items())
    ]


def _view(worker: WorkerStatus) -> WorkerView:
    return WorkerView(
        worker.name,
        worker.pid,
        worker.version,
        worker.revision,
        worker.started_at,
        worker.seen_at,
        worker.confirmed_at,
        worker.connections,
        worker.upgrades,
        worker.degraded,
    )
