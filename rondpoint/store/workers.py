"""The list of the workers of all proxies: each worker renews its entry while it runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.store.corrupt_keys import drop_if_wrong_type
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import EXPIRY

SILENT_AFTER = 10.0
"""Seconds after its last report until a worker no longer counts as alive."""

FORGOTTEN_AFTER = 60.0
"""Seconds after its last report until a worker of another instance is removed from the list."""


class CertificateStatus(Struct, frozen=True, array_like=True):
    """A certificate that the proxy presents to clients.

    `serial` is decimal, `sans` holds the domains separated by commas, `not_after` is in Unix seconds.
    """

    common_name: str
    serial: str
    sans: str
    not_after: float


class StoredCounts(NamedTuple):
    """Which counts of a worker the store has."""

    routers: bool
    servers: bool
    connections: bool


class WorkerStatus(Struct, frozen=True, omit_defaults=True):
    """A worker's own report; times in Unix seconds, 0 for never.

    `instance` names the worker's proxy (one master process): its host, and six random digits drawn at its
    start. `revision` has been in force since `changed_at`, and last equalled the store's at `confirmed_at`.
    `reloads` counts the instance's revisions. `connections` counts client connections by entry point;
    `upgrades` are the tunnels among them. `degraded` says that the worker uses local tickets now.
    `certificates` is filled if `/metrics` shows certificates. `udp_sessions` counts open UDP sessions by
    entry point.
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
    udp_sessions: dict[str, int] = field(default_factory=dict)

    def alive(self, now: float) -> bool:
        """Return whether the worker's last report is recent."""
        return now - self.seen_at <= SILENT_AFTER


_decoder = msgspec.json.Decoder(WorkerStatus)


def write_worker(client: redis.Redis, keys: Keys, status: WorkerStatus) -> StoredCounts:
    """Store `status`, and renew the expiry of its counts and of those of its instance's ended workers.

    Return which of its counts the store has. Raises redis.RedisError.
    """
    pipeline = client.pipeline(transaction=False)
    for owner in (status.name, status.instance):
        pipeline.expire(keys.metrics(owner), EXPIRY)
        pipeline.expire(keys.server_metrics(owner), EXPIRY)
        pipeline.expire(keys.connection_metrics(owner), EXPIRY)
    pipeline.hset(keys.workers, status.name, msgspec.json.encode(status))
    with drop_if_wrong_type(client, keys.workers):
        found = pipeline.execute()
    return StoredCounts(*map(bool, found[: len(StoredCounts._fields)]))


def remove_workers(client: redis.Redis, keys: Keys, *names: str) -> None:
    """Remove the entries of workers. Raises redis.RedisError."""
    client.hdel(keys.workers, *names)


def read_workers(client: redis.Redis, keys: Keys) -> dict[str, WorkerStatus]:
    """Return all workers by name, without entries that cannot be decoded. Raises redis.RedisError."""
    fields: Any = client.hgetall(keys.workers)
    workers: dict[str, WorkerStatus] = {}
    for name, value in sorted(fields.items()):
        try:
            workers[name.decode()] = decode_json(_decoder, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return workers
