"""Checks, some at a time, whether the store still holds the written values.

The revision and the numbers of objects show missing values, but not corrupt ones. Reading all values every
second would take too much time in an agent with many routers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from redis.client import Pipeline

from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import PublishedKeys
from rondpoint.store.sections import SECTIONS, sections_of
from rondpoint.store.state import State

BATCH = 500
"""Values checked each time, approximately."""

Same = Callable[[bytes, object], bool]


def _decodes(kind: type) -> Same:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)

    def same(value: bytes, expected: object) -> bool:
        try:
            # Another version of Rondpoint may encode the same value in other bytes.
            return bool(decode_json(decoder, value) == expected)
        except msgspec.MsgspecError:
            return False

    return same


_SAME = {name: _decodes(kind) for name, kind in SECTIONS.items()}


class IntegrityCheck:
    """A scan of the stored values that continues where it stopped the time before."""

    def __init__(self, keys: PublishedKeys) -> None:
        self._keys = keys
        self._hash = 0
        self._cursor = 0

    def read_next(self, pipeline: Pipeline) -> None:
        """Add the command that reads the next values."""
        hashes = (*sections_of(self._keys).values(), self._keys.diagnostics)
        pipeline.hscan(hashes[self._hash], self._cursor, count=BATCH)

    def next_values_match(self, reply: Any, state: State, diagnostics: Mapping[str, bytes]) -> bool:
        """Return whether the next values, in the `reply`, equal `state` and `diagnostics`."""
        hashes: tuple[tuple[Mapping[str, object], Same], ...] = (
            *((objects, _SAME[name]) for name, objects in sections_of(state).items()),
            (diagnostics, bytes.__eq__),
        )
        expected, same = hashes[self._hash]
        self._cursor, values = reply
        if not self._cursor:
            self._hash = _next_with_values([len(objects) for objects, _ in hashes], self._hash)
        return all(same(value, expected.get(name.decode(errors="replace"))) for name, value in values.items())


def _next_with_values(lengths: Sequence[int], current: int) -> int:
    """Return the index of the next hash that has values; the number of values in the others is enough."""
    following = (*range(current + 1, len(lengths)), *range(current + 1))
    return next((index for index in following if lengths[index]), current)
