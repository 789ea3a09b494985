"""Reads how full a shared bucket of a rate limit is, without taking a token."""

from __future__ import annotations

import redis

from proxy.limits.gcra import Limit, take_tokens
from proxy.limits.token_bucket import BucketKey, bucket_id
from rondpoint.store.keys import Keys

_MICROSECOND = 1e-6


def tokens_left(client: redis.Redis, keys: Keys, key: BucketKey, limit: Limit) -> int | None:
    """Return the tokens in the bucket; those that workers have leased are taken. None without the store."""
    try:
        clock, micros = client.time()
        stored = client.get(keys.rate_limit(bucket_id(key)))
        now = clock + micros * _MICROSECOND
        tat = now if stored is None else float(stored) * _MICROSECOND
    except (redis.RedisError, OSError, ValueError):
        return None
    return take_tokens(limit, max(tat, now), now, limit.burst, 0).granted
