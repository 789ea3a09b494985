"""A setting as one source gives it, before its key is interpreted."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct


class Source(IntEnum):
    """The kind of source; of two settings for one key, the one with the higher number wins."""

    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


class WrittenSetting(Struct, frozen=True):
    """One key and its value.

    `path` has one item for each level, in the user's spelling. `value` is text or a value of the file's
    own types; True for a flag without a value and for a table, None for an empty YAML value. `location`
    says where the setting is written, such as `flag --workers` or `traefik.toml: docker.domain`.
    """

    path: tuple[str, ...]
    value: object
    location: str
    source: Source

    @property
    def dotted_key(self) -> str:
        return ".".join(self.path)
