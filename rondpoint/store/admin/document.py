"""What the API has defined so far: one hash, one field for each object, and a version for all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.keys import Keys

VERSION = "version"
"""The field that holds the number of the last change; the others have slashes in their names."""

ADMIN = "admin"
"""The provider of objects that the API defines one by one."""

REST = "rest"
"""The provider of what the API defines as a whole."""


class StoredObject(Struct, frozen=True):
    """One object as its author wrote it, in Traefik's words; `version` is that of its last change."""

    version: int
    value: Any


class Document(Struct, frozen=True):
    """`objects` by field, each the JSON of a Stored; `version` 0 where nothing was ever defined."""

    version: int = 0
    objects: Mapping[str, bytes] = {}

    def stored(self, field: str) -> StoredObject | None:
        """One object; None where there is none, or none that can be decoded."""
        raw = self.objects.get(field)
        return None if raw is None else decode_stored(raw)


EMPTY = Document()

# As commit.lua has it: anything else was not written by an agent.
_VERSION = re.compile(rb"[1-9][0-9]{0,14}")

_stored = msgspec.json.Decoder(StoredObject)


def decode_stored(raw: bytes) -> StoredObject | None:
    """None for what is no such object."""
    try:
        return _stored.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return None


def field_name(provider: str, section: str, name: str) -> str:
    """`admin/http/routers/shop`; `section` is `http/routers`, `frontends` and the like."""
    return f"{provider}/{section}/{name}"


def split_field(field: str) -> tuple[str, str, str]:
    """Provider, section and name of a field."""
    provider, _, rest = field.partition("/")
    if rest.startswith("http/"):
        kind, _, name = rest.removeprefix("http/").partition("/")
        return provider, f"http/{kind}", name
    section, _, name = rest.partition("/")
    return provider, section, name


def read_version(client: redis.Redis, keys: Keys) -> int:
    """0 where there is none. Raises redis.RedisError."""
    return _number(client.hget(keys.admin, VERSION))


def read_document(client: redis.Redis, keys: Keys) -> Document:
    """All of it. Raises redis.RedisError."""
    fields: Any = client.hgetall(keys.admin)
    version = _number(fields.pop(VERSION.encode(), None))
    return Document(version, {name.decode(errors="replace"): value for name, value in fields.items()})


def read_stored(client: redis.Redis, keys: Keys, field: str) -> StoredObject | None:
    """One object; None where there is none. Raises redis.RedisError."""
    raw: Any = client.hget(keys.admin, field)
    return None if raw is None else decode_stored(raw)


def _number(value: object) -> int:
    return int(value) if isinstance(value, bytes) and _VERSION.fullmatch(value) else 0
