"""Reads the stored counts of a worker."""

from typing import Any

import msgspec
import redis

from rondpoint.store.keys import Keys
from rondpoint.store.metrics import Counts, is_router


def read_counts(client: redis.Redis, keys: Keys, worker: str) -> dict[str, Counts]:
    """Return the counts of routers by name, and no others."""
    fields: Any = client.hgetall(keys.metrics(worker))
    named = sorted((name.decode(), value) for name, value in fields.items())
    return {name: msgspec.json.decode(value, type=Counts) for name, value in named if is_router(name)}
