"""An instance of a service, alone and with its health."""

from __future__ import annotations

from msgspec import Struct

Key = tuple[str, str]
"""The node and the id of an instance, which are unique only together."""


class Instance(Struct, frozen=True):
    """One registration. `address` is the service's own, else the node's; `port` is 0 if it has none.

    `weight` applies while all checks pass, `warning_weight` while one warns; `modified` is the source's index
    of the last registration. `empty`: it is no registration, but stands for a service that is scaled to 0.
    """

    node: str
    id: str
    service: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    weight: int = 1
    warning_weight: int = 1
    modified: int = 0
    empty: bool = False

    @property
    def key(self) -> Key:
        return self.node, self.id

    @property
    def name(self) -> str:
        """The server's name, unique in its source and stable over restarts."""
        return f"{self.node}/{self.id}"


class Member(Struct, frozen=True):
    """An instance of a service with its health status."""

    instance: Instance
    status: str
