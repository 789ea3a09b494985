"""Recognises and drops corrupt keys, which another program has overwritten.

Counts and status entries are written again soon, so their corrupt keys are dropped. `publish` and `read`
treat corrupt configurations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

# Redis errors have no code; only their text tells them apart.
_CORRUPT_COUNTER = ("WRONGTYPE", "hash value is not an integer", "would overflow")


def is_wrong_type(error: Exception) -> bool:
    """Return whether a command failed because its key holds another type."""
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


def is_corrupt_counter(error: Exception) -> bool:
    """Return whether counting failed because the key, or its field, holds no valid number."""
    return isinstance(error, redis.ResponseError) and any(text in str(error) for text in _CORRUPT_COUNTER)


def drop(client: redis.Redis, key: str) -> None:
    """Drop a key by EXPIRE, since a proxy's rights do not include DEL. Raises redis.RedisError."""
    client.expire(key, 0)


@contextmanager
def drop_if_wrong_type(client: redis.Redis, key: str) -> Iterator[None]:
    """Drop `key` if the body fails because the key holds another type, and raise the error again."""
    try:
        yield
    except redis.ResponseError as error:
        if is_wrong_type(error):
            drop(client, key)
        raise
