"""Whether the store still holds what was written, value by value: some at a time, and all in turn.

Counts and a revision tell whether something is missing, and not whether something was spoilt. To read all
every second would cost an agent with many routers its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import redis

from rondpoint.model import Middleware, Router, Service
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import PublishedKeys
from rondpoint.store.state import State

BATCH = 500
"""Values looked at each time, about."""

Same = Callable[[bytes, object], bool]


def _decodes(kind: type) -> Same:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)

    def same(value: bytes, expected: object) -> bool:
        try:
            # Another version may have written the same in other bytes.
            return bool(decode_json(decoder, value) == expected)
        except msgspec.MsgspecError:
            return False

    return same


_ROUTER, _SERVICE, _MIDDLEWARE = _decodes(Router), _decodes(Service), _decodes(Middleware)


class IntegrityCheck:
    """Goes on where it stopped the time before."""

    def __init__(self, client: redis.Redis, keys: PublishedKeys) -> None:
        self._client = client
        self._keys = keys
        self._hash = 0
        self._cursor = 0

    def next_values_match(self, state: State, diagnostics: Mapping[str, bytes]) -> bool:
        """Whether the next values are those of `state` and `diagnostics`. Raises redis.RedisError."""
        keys = self._keys
        rounds: tuple[tuple[str, Mapping[str, object], Same], ...] = (
            (keys.routers, state.routers, _ROUTER),
            (keys.services, state.services, _SERVICE),
            (keys.middlewares, state.middlewares, _MIDDLEWARE),
            (keys.diagnostics, diagnostics, bytes.__eq__),
        )
        key, expected, same = rounds[self._hash]
        answer: Any = self._client.hscan(key, self._cursor, count=BATCH)
        self._cursor, values = answer
        if not self._cursor:
            self._hash = (self._hash + 1) % len(rounds)
        return all(same(value, expected.get(name.decode(errors="replace"))) for name, value in values.items())
