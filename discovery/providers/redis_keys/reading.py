"""Reads keys of Redis: all below a prefix, or certain ones."""

from __future__ import annotations

from collections.abc import Iterable

import redis

from discovery.providers.redis_keys.notifications import escape

_PORTION = 1_000
"""Keys of one command, so that none keeps the server busy for long."""

Values = dict[bytes, bytes]


def read_below(client: redis.Redis, prefix: str) -> Values:
    """Return all keys that start with `prefix`, and their values. Raises redis.RedisError."""
    return read(client, set(client.scan_iter(f"{escape(prefix)}*", _PORTION)))


def read(client: redis.Redis, keys: Iterable[bytes]) -> Values:
    """Return those of the keys that exist and are texts. Raises redis.RedisError."""
    names, found = list(keys), Values()
    for start in range(0, len(names), _PORTION):
        portion = names[start : start + _PORTION]
        pairs = zip(portion, client.mget(portion), strict=True)
        found.update({name: value for name, value in pairs if isinstance(value, bytes)})
    return found
