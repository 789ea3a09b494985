"""Servers that workers have put aside because they could not be reached, told to all workers of all proxies.

An entry is a lease: who put the server aside renews it while its probes fail. Its end is told by the store's
clock, and messages tell how long it is away, so that no worker's own clock matters.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.corrupt_keys import begun_anew
from rondpoint.store.decoding import decoded
from rondpoint.store.keys import Keys

LONGEST_LEASE = 60.0
"""Seconds; an entry that claims more is nobody's lease, and is passed over."""

KEPT = 60.0
"""Seconds for which an entry whose lease has ended may stay: its owner may only be late."""


class Ejection(Struct, frozen=True):
    """An entry; times in Unix seconds by the store's clock. `by` names the worker that probes the server."""

    since: float
    until: float
    by: str
    reason: str


class EjectionNotice(Struct, frozen=True, omit_defaults=True):
    """A server is put aside for so many `seconds`, if its lease is not renewed; with 0 it is back."""

    url: str
    by: str
    seconds: float = 0.0
    reason: str = ""


class StoredEjections(Struct, frozen=True):
    """What is put aside now, and the fields of entries that have long ended."""

    notices: tuple[EjectionNotice, ...]
    stale: tuple[bytes, ...] = ()


_ejection = msgspec.json.Decoder(Ejection)
_notice = msgspec.json.Decoder(EjectionNotice)


def decode_notice(message: bytes) -> EjectionNotice:
    """Raises msgspec.MsgspecError (a ValueError) for anything but a Notice."""
    return decoded(_notice, message)


def read_ejections(client: redis.Redis, keys: Keys) -> StoredEjections:
    """The leases that have not ended; entries that cannot be decoded are stale. Raises redis.RedisError."""
    pipeline = client.pipeline(transaction=True)
    pipeline.time()
    pipeline.hgetall(keys.health)
    with begun_anew(client, keys.health):
        time, fields = pipeline.execute()
    now = _seconds(time)
    notices: list[EjectionNotice] = []
    stale: list[bytes] = []
    for field, value in fields.items():
        try:
            url, entry = field.decode(), decoded(_ejection, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            stale.append(field)
            continue
        left = entry.until - now
        if 0 < left <= LONGEST_LEASE:
            notices.append(EjectionNotice(url, entry.by, left, entry.reason))
        elif left < -KEPT or left > LONGEST_LEASE:
            stale.append(field)
    return StoredEjections(tuple(notices), tuple(stale))


def write_ejection(client: redis.Redis, keys: Keys, notice: EjectionNotice, *, age: float, tell: bool) -> None:
    """Store a lease of a server put aside `age` s ago, and `tell` all workers. Raises redis.RedisError."""
    now = _seconds(client.time())
    entry = Ejection(round(now - age, 3), round(now + notice.seconds, 3), notice.by, notice.reason)
    pipeline = client.pipeline(transaction=True)
    pipeline.hset(keys.health, notice.url, msgspec.json.encode(entry))
    if tell:
        pipeline.publish(keys.ejections, msgspec.json.encode(notice))
    pipeline.execute()


def remove_ejection(client: redis.Redis, keys: Keys, notice: EjectionNotice) -> None:
    """End a lease, and tell all workers. Raises redis.RedisError."""
    pipeline = client.pipeline(transaction=True)
    pipeline.hdel(keys.health, notice.url)
    pipeline.publish(keys.ejections, msgspec.json.encode(notice))
    pipeline.execute()


def drop_ejections(client: redis.Redis, keys: Keys, fields: Collection[bytes]) -> None:
    """Clear away what read_ejections found stale. Raises redis.RedisError."""
    if fields:
        client.hdel(keys.health, *fields)


def _seconds(time: Any) -> float:
    seconds, microseconds = time
    return float(seconds) + float(microseconds) / 1e6
