"""What proxies count, as they keep it in the store: one hash per worker, one field per router."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.store.keys import Keys
from rondpoint.store.spoilt import drop, is_wrong_type

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of the first buckets of a histogram; one more bucket takes what is above."""

EXPIRY = 30
"""Seconds after its worker's last sign at which a hash goes."""


class Counts(Struct, frozen=True, omit_defaults=True):
    """A router's requests since its worker started; all only grow.

    `statuses` by class (`2xx`); `buckets` beside BOUNDS, each for its own interval alone; `seconds` is the
    sum of the times counted in the buckets, and `sent` the bytes of bodies that went to clients.
    """

    service: str = ""
    statuses: dict[str, int] = field(default_factory=dict)
    buckets: tuple[int, ...] = ()
    seconds: float = 0.0
    sent: int = 0


_decoder = msgspec.json.Decoder(Counts)


def write_counts(
    client: redis.Redis, keys: Keys, worker: str, changed: Mapping[str, Counts], gone: Collection[str] = ()
) -> bool:
    """Store what changed under its router's name, drop what is gone, and renew the expiry.

    False when the store holds nothing of this worker, so that all is to be written. Raises redis.RedisError.
    """
    key = keys.metrics(worker)
    pipeline = client.pipeline(transaction=False)
    if changed:
        pipeline.hset(key, mapping={name: msgspec.json.encode(counts) for name, counts in changed.items()})
    if gone:
        pipeline.hdel(key, *gone)
    pipeline.expire(key, EXPIRY)
    try:
        return bool(pipeline.execute()[-1])
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        drop(client, key)
        return False


def read_counts(client: redis.Redis, keys: Keys, worker: str) -> dict[str, Counts]:
    """A worker's counts by router; what cannot be decoded is passed over. Raises redis.RedisError."""
    fields: Any = client.hgetall(keys.metrics(worker))
    counts: dict[str, Counts] = {}
    for name, value in sorted(fields.items()):
        try:
            counts[name.decode()] = _decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return counts
