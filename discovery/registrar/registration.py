"""A service as it is to stand in Consul, and what its registration goes by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

HOST_ATTRIBUTE = "registrator"
"""The attribute that tells the host of a registration whose id is a user's own."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


class Options(Struct, frozen=True):
    """What decides how a container is registered.

    - `hostname`: the first part of every id; `host_address`: where published ports are reached.
    - `internal`: exposed ports at the container's own address, not published ones at the host's.
    - `ip`: beats `host_address`, and the address a port is bound to; `explicit`: only what has a name.
    - `tags`: added to every service; `ip_label`: the label that holds a container's address.
    """

    hostname: str
    host_address: str = ""
    internal: bool = False
    ip: str = ""
    explicit: bool = False
    tags: tuple[str, ...] = ()
    ip_label: str = ""


class Registration(Struct, frozen=True):
    """One service; `check` is Consul's own JSON, None without a check."""

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=_nothing)
    check: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """The object that `PUT /v1/agent/service/register` takes."""
        body: dict[str, Any] = {
            "ID": self.id,
            "Name": self.name,
            "Address": self.address,
            "Port": self.port,
            "Tags": list(self.tags),
            "Meta": dict(self.meta),
        }
        return body if self.check is None else {**body, "Check": dict(self.check)}
