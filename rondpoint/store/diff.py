"""Computes the difference between the stored state and a new configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from rondpoint.configuration import Configuration
from rondpoint.store.change import Change
from rondpoint.store.sections import SECTIONS
from rondpoint.store.state import State

T = TypeVar("T")


def diff(old: State, new: Configuration) -> Change:
    """Return the change from `old` to `new` as the revision after `old`, without diagnostics."""
    changed: dict[str, Any] = {
        name: changed_objects(getattr(old, name), getattr(new, name)) for name in SECTIONS
    }
    return Change(revision=old.revision + 1, previous=old.revision, **changed)


def changed_objects(old: Mapping[str, T], new: Mapping[str, T]) -> dict[str, T | None]:
    """Return the objects that differ in `new` by name, with None for removed ones."""
    found: dict[str, T | None] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        stored = old.get(name)
        # Compare by identity first: of ten thousand objects, all but a few are the same object as before.
        if stored is not value and stored != value:
            found[name] = value
    return found
