"""Splits trees of routes into the fields of the stored document, and joins them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rondpoint.store.admin.document import field_name
from rondpoint.store.admin.sections import PROTOCOLS

V1 = ("frontends", "backends")

_SECTIONS = {
    "routers": "routers",
    "services": "services",
    "middlewares": "middlewares",
    "serverstransports": "serversTransports",
}
"""The sections of a protocol; UDP has only the first two, and its decoder reports the others."""


def split_tree(provider: str, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the objects of a tree by field. Other values are left out; the decoders have reported them."""
    found: dict[str, Any] = {}
    for name, part in tree.items():
        if not isinstance(part, Mapping):
            continue
        if (protocol := name.lower()) in PROTOCOLS:
            for kind, objects in part.items():
                known = _SECTIONS.get(kind.lower())
                if known is not None and isinstance(objects, Mapping):
                    found.update(_fields(provider, f"{protocol}/{known}", objects))
        elif name.lower() in V1:
            found.update(_fields(provider, name.lower(), part))
    return found


def join_tree(objects: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """Return the tree of objects that are given as section, name and value."""
    tree: dict[str, Any] = {}
    for section, name, value in objects:
        part = tree
        for step in section.split("/"):
            part = part.setdefault(step, {})
        part[name] = value
    return tree


def _fields(provider: str, section: str, objects: Mapping[str, Any]) -> dict[str, Any]:
    return {field_name(provider, section, name): value for name, value in objects.items()}
