"""A setting as one source gives it, before anyone has asked what it means."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct


class Source(IntEnum):
    """Where a setting stands; the higher one wins."""

    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


class WrittenSetting(Struct, frozen=True):
    """One key and its value.

    `path` has an item a level, as its author spelled it. `value` is text, or what a file's own types
    make of it; True for a bare flag and for a table, None for an empty YAML value. `place` says where it
    stands, complete enough to go and change it.
    """

    path: tuple[str, ...]
    value: object
    location: str
    source: Source

    @property
    def dotted_key(self) -> str:
        return ".".join(self.path)
