"""Keys that something else has written to, so that they hold what they never should.

What is only counted or renewed all the time is best dropped then: it is soon there again. Configurations are
another matter, see `publish` and `read`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

# Errors have no other code than the beginning of their text.
_SPOILT_COUNTER = ("WRONGTYPE", "hash value is not an integer", "would overflow")


def is_wrong_type(error: Exception) -> bool:
    """Whether a command failed since its key holds another type."""
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


def is_corrupt_counter(error: Exception) -> bool:
    """Whether counting failed since the key, or its field, holds no number."""
    return isinstance(error, redis.ResponseError) and any(text in str(error) for text in _SPOILT_COUNTER)


def drop(client: redis.Redis, key: str) -> None:
    """Drop a key that the proxy may write to: the rights that it needs do not include DEL. RedisError."""
    client.expire(key, 0)


@contextmanager
def drop_if_wrong_type(client: redis.Redis, key: str) -> Iterator[None]:
    """Have `key` dropped where what is done within fails since it holds another type; the error goes on."""
    try:
        yield
    except redis.ResponseError as error:
        if is_wrong_type(error):
            drop(client, key)
        raise
