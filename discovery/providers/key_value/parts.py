"""Divides a tree of keys into parts that can be decoded apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """One part of a tree: an object of the user, or everything else.

    `section` is the path of its section in lower case (`http/routers`, `backends`), `name` the object's name
    as written. Both are empty for the rest of the tree.
    """

    section: str
    name: str


REST = Part("", "")

BACKENDS = "backends"
FRONTENDS = "frontends"

_OF_PROTOCOLS = {
    "http": frozenset(("middlewares", "models", "routers", "serverstransports", "services")),
    "tcp": frozenset(("middlewares", "routers", "serverstransports", "services")),
    "udp": frozenset(("routers", "services")),
}
"""The sections of each protocol."""

SERVICES = tuple(f"{protocol}/services" for protocol in _OF_PROTOCOLS)
SERVICES_OF = {
    **{f"{protocol}/routers": f"{protocol}/services" for protocol in _OF_PROTOCOLS},
    FRONTENDS: BACKENDS,
}
"""Sections whose objects name services → the sections with these services."""

# Models are no objects of their own.
_SECTIONS = frozenset(
    {f"{protocol}/{name}" for protocol, names in _OF_PROTOCOLS.items() for name in names - {"models"}}
    | {BACKENDS, FRONTENDS}
)
_FOLDERS = _SECTIONS | _OF_PROTOCOLS.keys()
_OBJECT_IN_PROTOCOL = 3
_OBJECT = 2


def part_of(segments: Sequence[str]) -> Part:
    """Return the part that a key belongs to; `segments` are those below the prefix."""
    outer = segments[0].lower()
    if outer in _OF_PROTOCOLS:
        section = "/".join(segments[:2]).lower()
        if len(segments) >= _OBJECT_IN_PROTOCOL and section in _SECTIONS:
            return Part(section, segments[2])
    elif len(segments) >= _OBJECT and outer in _SECTIONS:
        return Part(outer, segments[1])
    return REST


def is_folder(segments: Sequence[str], value: bytes) -> bool:
    """Check whether a key is the empty parent of a section's objects, as some stores and tools write it."""
    return not value and "/".join(segments).lower() in _FOLDERS


def is_misspelt(segments: Sequence[str]) -> bool:
    """Check whether a key is below an unknown section of a protocol.

    It may be a misspelt `routers`, whose options would protect routers of other parts.
    """
    known = _OF_PROTOCOLS.get(segments[0].lower())
    if len(segments) == 1 or known is None:
        return False
    return segments[1] != "" and segments[1].lower() not in known
