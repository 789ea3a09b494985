"""A service registration for Consul, and the options that shape it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

HOST_ATTRIBUTE = "registrator"
"""The service attribute that names the registrar's host, for services with an id that a user chose."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


class Options(Struct, frozen=True):
    """The options for registering containers.

    - `hostname`: the first part of every service id; `host_address`: the address of published ports.
    - `internal`: register exposed ports at the container's own address, not published ones at the host's.
    - `ip`: overrides `host_address` and the address that a port is bound to.
    - `explicit`: register only ports with a SERVICE_NAME.
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
    """One service to register; `check` is Consul's JSON object, None without a check."""

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=_nothing)
    check: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """Return the JSON object for `PUT /v1/agent/service/register`."""
        body: dict[str, Any] = {
            "ID": self.id,
            "Name": self.name,
            "Address": self.address,
            "Port": self.port,
            "Tags": list(self.tags),
            "Meta": dict(self.meta),
        }
        return body if self.check is None else {**body, "Check": dict(self.check)}
