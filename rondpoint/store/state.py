"""What the store holds at one revision."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct

from rondpoint.model import Middleware, Router, Service
from rondpoint.store.change import Change

T = TypeVar("T")


class State(Struct, frozen=True):
    """All objects by name, as published with `revision`."""

    revision: int
    routers: dict[str, Router]
    services: dict[str, Service]
    middlewares: dict[str, Middleware]

    def after(self, change: Change) -> State:
        """The state that `change` leads to; ValueError when it does not follow this one or is not whole."""
        if change.previous != self.revision or change.full:
            raise ValueError(
                f"revision {change.revision} does not follow {self.revision}: the state must be read"
            )
        return State(
            change.revision,
            _patched(self.routers, change.routers),
            _patched(self.services, change.services),
            _patched(self.middlewares, change.middlewares),
        )


def _patched(old: dict[str, T], changes: dict[str, T | None]) -> dict[str, T]:
    new = dict(old)
    for name, value in changes.items():
        if value is None:
            new.pop(name, None)
        else:
            new[name] = value
    return new
