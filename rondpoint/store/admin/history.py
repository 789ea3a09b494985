"""What was changed through the API, when and by whom; the newest first, as many as are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.keys import Keys

MAX_ENTRIES = 100
"""Changes that are remembered."""

BATCH_SIZE = 10
"""Changes read at once."""

MAX_ENTRY_BYTES = 256 * 1024
"""Bytes of a remembered change; of a larger one it is known that it was, and not what it was."""


class Author(Struct, frozen=True, omit_defaults=True):
    """Who asked: a user's name, `token`, or empty where nobody is asked for it; and from which address."""

    user: str = ""
    address: str = ""


class Difference(Struct, frozen=True, array_like=True):
    """A value before and after, as its author wrote it; None where there was none."""

    before: Any
    after: Any


class HistoryEntry(Struct, frozen=True, omit_defaults=True):
    """`at` in Unix seconds; `what` in words (`PUT routers/shop`); `changes` by field, None when too large.

    `proposal` is the id of the one that it comes from.
    """

    version: int
    at: float
    what: str
    by: Author = Author()
    changes: dict[str, Difference] | None = None
    proposal: str = ""


_entry = msgspec.json.Decoder(HistoryEntry)


def encode_entry(entry: HistoryEntry) -> bytes:
    """Within LARGEST."""
    encoded = msgspec.json.encode(entry)
    if len(encoded) <= MAX_ENTRY_BYTES:
        return encoded
    return msgspec.json.encode(msgspec.structs.replace(entry, changes=None))


def _do_nothing() -> None:
    pass


def read_history(
    client: redis.Redis, keys: Keys, yield_if_due: Callable[[], None] = _do_nothing
) -> list[HistoryEntry]:
    """The newest first; what cannot be decoded is passed over. Raises redis.RedisError.

    `yield_if_due` is called between portions, for whoever has other things to see to.
    """
    return list(_entries(client, keys, yield_if_due))


def read_entry(client: redis.Redis, keys: Keys, version: int) -> HistoryEntry | None:
    """That of one version, if it is there and can be decoded. Raises redis.RedisError."""
    for entry in _entries(client, keys, _do_nothing):
        if entry.version <= version:
            return entry if entry.version == version else None
    return None


def _entries(client: redis.Redis, keys: Keys, yield_if_due: Callable[[], None]) -> Iterator[HistoryEntry]:
    for start in range(0, MAX_ENTRIES, BATCH_SIZE):
        values: Any = client.lrange(keys.admin_history, start, start + BATCH_SIZE - 1)
        for value in values:
            try:
                yield _entry.decode(value)
            except (msgspec.MsgspecError, RecursionError):
                continue
            yield_if_due()
        if len(values) < BATCH_SIZE:
            break
