"""Stored ejections: servers that gave a worker no response, or failed, shared by all workers of all proxies.

A server that cannot be reached is ejected for all services. One that fails the passive health check of a
service is ejected for this service only. An entry is a lease: the worker that ejected the server renews it
meanwhile. The entry's end is a time of the store's clock, and messages give the remaining seconds, so that no
worker's own clock matters.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.corrupt_keys import drop_if_wrong_type
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys

LONGEST_LEASE = 60.0
"""Seconds; no worker writes a longer lease, so a longer entry is ignored."""

ENDED_LEASE_KEPT = 60.0
"""Seconds for which an entry stays after its lease has ended, because its owner may only be late."""


class Ejection(Struct, frozen=True):
    """A stored entry; times in Unix seconds of the store's clock; `by` names the probing worker."""

    since: float
    until: float
    by: str
    reason: str


class EjectionNotice(Struct, frozen=True, omit_defaults=True):
    """A message: the server is ejected for `seconds` unless the lease is renewed; with 0 it is back.

    If `service` is not empty, the server is ejected for that service only.
    """

    url: str
    by: str
    seconds: float = 0.0
    reason: str = ""
    service: str = ""

    @property
    def key(self) -> str:
        """The field of the stored entry."""
        return ejection_key(self.url, self.service)


def ejection_key(url: str, service: str = "") -> str:
    """Return the key of a server's ejection for all services, or for one."""
    return f"{url} {service}" if service else url


def split_ejection_key(key: str) -> tuple[str, str]:
    """Return the URL and the service in a key; the service is empty if the server is ejected for all."""
    url, _, service = key.partition(" ")
    return url, service


class StoredEjections(Struct, frozen=True):
    """The current ejections as notices, and the fields of stale entries."""

    notices: tuple[EjectionNotice, ...]
    stale: tuple[bytes, ...] = ()


_ejection = msgspec.json.Decoder(Ejection)
_notice = msgspec.json.Decoder(EjectionNotice)


def decode_notice(message: bytes) -> EjectionNotice:
    """Decode a notice. Raises msgspec.MsgspecError (a ValueError)."""
    return decode_json(_notice, message)


def read_ejections(client: redis.Redis, keys: Keys) -> StoredEjections:
    """Read the leases that have not ended; undecodable entries are stale. Raises redis.RedisError."""
    pipeline = client.pipeline(transaction=True)
    pipeline.time()
    pipeline.hgetall(keys.ejected)
    with drop_if_wrong_type(client, keys.ejected):
        time, fields = pipeline.execute()
    now = _seconds(time)
    notices: list[EjectionNotice] = []
    stale: list[bytes] = []
    for field, value in fields.items():
        try:
            (url, service), entry = split_ejection_key(field.decode()), decode_json(_ejection, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            stale.append(field)
            continue
        left = entry.until - now
        if 0 < left <= LONGEST_LEASE:
            notices.append(EjectionNotice(url, entry.by, left, entry.reason, service))
        elif left < -ENDED_LEASE_KEPT or left > LONGEST_LEASE:
            stale.append(field)
    return StoredEjections(tuple(notices), tuple(stale))


def write_ejection(
    client: redis.Redis, keys: Keys, notice: EjectionNotice, *, age: float, publish: bool
) -> None:
    """Store the lease of a server ejected `age` s ago, and maybe `publish` it. Raises redis.RedisError."""
    now = _seconds(client.time())
    entry = Ejection(round(now - age, 3), round(now + notice.seconds, 3), notice.by, notice.reason)
    pipeline = client.pipeline(transaction=True)
    pipeline.hset(keys.ejected, notice.key, msgspec.json.encode(entry))
    if publish:
        pipeline.publish(keys.ejections, msgspec.json.encode(notice))
    pipeline.execute()


def remove_ejection(client: redis.Redis, keys: Keys, notice: EjectionNotice) -> None:
    """End a lease, and publish that to all workers. Raises redis.RedisError."""
    pipeline = client.pipeline(transaction=True)
    pipeline.hdel(keys.ejected, notice.key)
    pipeline.publish(keys.ejections, msgspec.json.encode(notice))
    pipeline.execute()


def drop_ejections(client: redis.Redis, keys: Keys, fields: Collection[bytes]) -> None:
    """Delete the entries that `read_ejections` found stale. Raises redis.RedisError."""
    if fields:
        client.hdel(keys.ejected, *fields)


def _seconds(time: Any) -> float:
    seconds, microseconds = time
    return float(seconds) + float(microseconds) / 1e6
