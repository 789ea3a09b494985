"""What a new configuration changes in what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from rondpoint.model import Configuration
from rondpoint.store.change import Change
from rondpoint.store.state import State

T = TypeVar("T")


def diff(old: State, new: Configuration) -> Change:
    """The change from `old` to `new`, as the revision that follows `old`; diagnostics are no part of it."""
    return Change(
        revision=old.revision + 1,
        previous=old.revision,
        routers=changes(old.routers, new.routers),
        services=changes(old.services, new.services),
        middlewares=changes(old.middlewares, new.middlewares),
    )


def changes(old: Mapping[str, T], new: Mapping[str, T]) -> dict[str, T | None]:
    """What differs in `new`, by name; None for what is not there any more."""
    found: dict[str, T | None] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        stored = old.get(name)
        # Identity first: of ten thousand objects all but a few are the very same as before.
        if stored is not value and stored != value:
            found[name] = value
    return found
