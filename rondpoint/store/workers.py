"""Who serves: one entry per worker of every proxy, renewed while it lives."""

from __future__ import annotations

from typing import Any

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.store.corrupt_keys import begun_anew
from rondpoint.store.decoding import decoded
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import EXPIRY

SILENT_AFTER = 10.0
"""Seconds after its last sign at which a worker no longer counts as one that serves."""

FORGOTTEN_AFTER = 60.0
"""Seconds after its last sign at which a worker of another instance is dropped from the list."""


class CertificateStatus(Struct, frozen=True, array_like=True):
    """A certificate that clients are shown; `serial` is in decimal, `sans` are its domains, with commas.

    `not_after` in Unix seconds.
    """

    common_name: str
    serial: str
    sans: str
    not_after: float


class WorkerStatus(Struct, frozen=True, omit_defaults=True):
    """A worker's own account of itself; times in Unix seconds, 0 for never.

    `instance` names the proxy (one master process) that it belongs to: its host, and six digits drawn at its
    start. `revision` is the one in force, since `changed_at`; at `confirmed_at` it was the store's for
    the last time. `reloads` counts the instance's revisions. `connections` of clients by entry point;
    `upgrades` are tunnels among them; `degraded` tells that tickets are local now. `certificates` are there
    where `/metrics` is to tell of them.
    """

    name: str
    instance: str
    host: str
    pid: int
    started_at: float
    seen_at: float
    version: str = ""
    revision: int = 0
    changed_at: float = 0.0
    confirmed_at: float = 0.0
    reloads: int = 0
    connections: dict[str, int] = field(default_factory=dict)
    upgrades: int = 0
    degraded: bool = False
    certificates: tuple[CertificateStatus, ...] = ()

    def alive(self, now: float) -> bool:
        """Whether it has given a sign lately."""
        return now - self.seen_at <= SILENT_AFTER


_decoder = msgspec.json.Decoder(WorkerStatus)


def write_worker(client: redis.Redis, keys: Keys, status: WorkerStatus) -> None:
    """Store `status`, and keep what the dead of its instance have counted. Raises redis.RedisError."""
    pipeline = client.pipeline(transaction=False)
    pipeline.hset(keys.workers, status.name, msgspec.json.encode(status))
    pipeline.expire(keys.metrics(status.instance), EXPIRY)
    pipeline.expire(keys.server_metrics(status.instance), EXPIRY)
    with begun_anew(client, keys.workers):
        pipeline.execute()


def remove_workers(client: redis.Redis, keys: Keys, *names: str) -> None:
    """Take entries out. Raises redis.RedisError."""
    client.hdel(keys.workers, *names)


def read_workers(client: redis.Redis, keys: Keys) -> dict[str, WorkerStatus]:
    """All workers by name; an entry that cannot be decoded is passed over. Raises redis.RedisError."""
    fields: Any = client.hgetall(keys.workers)
    workers: dict[str, WorkerStatus] = {}
    for name, value in sorted(fields.items()):
        try:
            workers[name.decode()] = decoded(_decoder, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return workers
