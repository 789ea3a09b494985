"""The stored configuration at one revision."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct

from rondpoint.model import Middleware, Router, Service
from rondpoint.store.change import Change

T = TypeVar("T")


class State(Struct, frozen=True):
    """All objects by name, as published at `revision`."""

    revision: int
    routers: dict[str, Router]
    services: dict[str, Service]
    middlewares: dict[str, Middleware]

    def after(self, change: Change) -> State:
        """Return the state after `change`. Raises ValueError if it is `full` or skips a revision."""
        if change.previous != self.revision or change.full:
            raise ValueError(
                f"revision {change.revision} does not follow {self.revision}: the state must be read"
            )
        return State(
            change.revision,
            _apply_changes(self.routers, change.routers),
            _apply_changes(self.services, change.services),
            _apply_changes(self.middlewares, change.middlewares),
        )


def _apply_changes(old: dict[str, T], changes: dict[str, T | None]) -> dict[str, T]:
    new = dict(old)
    for name, value in changes.items():
        if value is None:
            new.pop(name, None)
        else:
            new[name] = value
    return new
