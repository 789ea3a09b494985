"""The document of the API's routes: one hash with a field for each object, and one version for all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.admin.sections import PROTOCOLS
from rondpoint.store.keys import Keys

VERSION = "version"
"""The field with the number of the last change; the names of all other fields have slashes."""

ADMIN = "admin"
"""The provider whose objects the API defines one by one."""

REST = "rest"
"""The provider whose objects the API defines all at once."""


class StoredObject(Struct, frozen=True):
    """One object as its author wrote it, in Traefik's terms; `version` is that of its last change."""

    version: int
    value: Any


class Document(Struct, frozen=True):
    """`objects` by field, each the JSON of a StoredObject; `version` 0 where nothing was ever defined."""

    version: int = 0
    objects: Mapping[str, bytes] = {}

    def stored(self, field: str) -> StoredObject | None:
        """Return one object; None if it does not exist or cannot be decoded."""
        raw = self.objects.get(field)
        return None if raw is None else decode_stored(raw)


EMPTY = Document()

# The same pattern as in commit.lua: agents write no other versions.
_VERSION = re.compile(rb"[1-9][0-9]{0,14}")

_stored = msgspec.json.Decoder(StoredObject)


def decode_stored(raw: bytes) -> StoredObject | None:
    """Decode a stored object; return None if it is invalid."""
    try:
        return _stored.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return None


def field_name(provider: str, section: str, name: str) -> str:
    """Return an object's field: `admin/http/routers/shop`; `section` is `tcp/routers`, `frontends`, …."""
    return f"{provider}/{section}/{name}"


def split_field(field: str) -> tuple[str, str, str]:
    """Return the provider, section and name of a field."""
    provider, _, rest = field.partition("/")
    section, _, name = rest.partition("/")
    if section in PROTOCOLS:
        kind, _, name = name.partition("/")
        section = f"{section}/{kind}"
    return provider, section, name


def read_version(client: redis.Redis, keys: Keys) -> int:
    """Read the document's version, 0 if there is none. Raises redis.RedisError."""
    return _number(client.hget(keys.admin, VERSION))


def read_document(client: redis.Redis, keys: Keys) -> Document:
    """Read the whole document. Raises redis.RedisError."""
    fields: Any = client.hgetall(keys.admin)
    version = _number(fields.pop(VERSION.encode(), None))
    return Document(version, {name.decode(errors="replace"): value for name, value in fields.items()})


def read_stored(client: redis.Redis, keys: Keys, field: str) -> StoredObject | None:
    """Read one object; None if it does not exist. Raises redis.RedisError."""
    raw: Any = client.hget(keys.admin, field)
    return None if raw is None else decode_stored(raw)


def _number(value: object) -> int:
    return int(value) if isinstance(value, bytes) and _VERSION.fullmatch(value) else 0
