"""The history of changes through the API: what was changed, when and by whom, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.keys import Keys

MAX_ENTRIES = 100
"""The most changes that the history keeps."""

BATCH_SIZE = 10
"""The number of changes that are read at once."""

MAX_ENTRY_BYTES = 256 * 1024
"""The most bytes of an entry; the entry of a larger change does not contain its values."""


class Author(Struct, frozen=True, omit_defaults=True):
    """The author of a change: a user's name, `token`, or empty without authentication; and the address."""

    user: str = ""
    address: str = ""


class Difference(Struct, frozen=True, array_like=True):
    """A value before and after a change, as its author wrote it; None if there was none."""

    before: Any
    after: Any


class HistoryEntry(Struct, frozen=True, omit_defaults=True):
    """One change.

    `at`: Unix time in seconds; `what`: the change in words (`PUT routers/shop`); `changes`: field → values,
    None if too large; `proposal`: the id of the proposal.
    """

    version: int
    at: float
    what: str
    by: Author = Author()
    changes: dict[str, Difference] | None = None
    proposal: str = ""


_entry = msgspec.json.Decoder(HistoryEntry)


def encode_entry(entry: HistoryEntry) -> bytes:
    """Encode an entry, without its values if it is larger than MAX_ENTRY_BYTES."""
    encoded = msgspec.json.encode(entry)
    if len(encoded) <= MAX_ENTRY_BYTES:
        return encoded
    return msgspec.json.encode(msgspec.structs.replace(entry, changes=None))


def _do_nothing() -> None:
    pass


def read_history(
    client: redis.Redis, keys: Keys, yield_if_due: Callable[[], None] = _do_nothing
) -> list[HistoryEntry]:
    """Read all entries, the newest first; invalid ones are skipped. Raises redis.RedisError.

    `yield_if_due` is called after each entry, so that a caller in an event loop can let others run.
    """
    return list(_entries(client, keys, yield_if_due))


def read_entry(client: redis.Redis, keys: Keys, version: int) -> HistoryEntry | None:
    """Read the entry of one version; None if it is missing or invalid. Raises redis.RedisError."""
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
