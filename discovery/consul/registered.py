"""A service as a node of the catalogue has it."""

from __future__ import annotations

from msgspec import Struct, field


class Weights(Struct, frozen=True, rename="pascal"):
    """Shares of an instance while it passes its checks, and while one of them warns."""

    passing: int = 1
    warning: int = 1


class Registered(Struct, frozen=True, rename="pascal"):
    """An entry of `GET /v1/catalog/node/NODE`, as far as anybody here looks at it."""

    id: str = field(name="ID")
    service: str
    address: str = ""
    port: int = 0
    tags: tuple[str, ...] | None = None
    weights: Weights | None = None
    modify_index: int = 0


class Node(Struct, frozen=True, rename="pascal"):
    """The answer to `GET /v1/catalog/node/NODE`."""

    services: dict[str, Registered]


Answered = Node | None
"""None for a node that is not there."""
