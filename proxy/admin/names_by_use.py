"""Finds the objects that use each object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def names_by_use(
    objects: Iterable[tuple[str, T]], used: Callable[[T], Iterable[str]]
) -> Mapping[str, list[str]]:
    """Return the sorted names of the objects that use each name; `objects` are names with objects."""
    users: dict[str, list[str]] = {}
    for user, item in objects:
        for name in used(item):
            users.setdefault(name, []).append(user)
    for names in users.values():
        names.sort()
    return users
