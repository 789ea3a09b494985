"""The stored configuration at one revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct, field

from rondpoint.configuration import Configuration
from rondpoint.model import Middleware, Router, Service
from rondpoint.store.change import Change
from rondpoint.store.sections import SECTIONS
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.tls.model import Certificate, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpService

T = TypeVar("T")


class State(Struct, frozen=True):
    """All objects by name, as published at `revision`; the sections are those of SECTIONS."""

    revision: int
    routers: dict[str, Router] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    middlewares: dict[str, Middleware] = field(default_factory=dict)
    tls_options: dict[str, TlsOptions] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    tcp_routers: dict[str, TcpRouter] = field(default_factory=dict)
    tcp_services: dict[str, TcpService] = field(default_factory=dict)
    tcp_middlewares: dict[str, Middleware] = field(default_factory=dict)
    udp_routers: dict[str, UdpRouter] = field(default_factory=dict)
    udp_services: dict[str, UdpService] = field(default_factory=dict)

    @classmethod
    def of(cls, revision: int, configuration: Configuration) -> State:
        """Return a copy of the objects of `configuration` as the state at `revision`."""
        return cls(revision, **{name: dict(getattr(configuration, name)) for name in SECTIONS})

    def after(self, change: Change) -> State:
        """Return the state after `change`. Raises ValueError if it is `full` or skips a revision."""
        if change.previous != self.revision or change.full:
            raise ValueError(
                f"revision {change.revision} does not follow {self.revision}: the state must be read"
            )
        changed = {name: _apply_changes(getattr(self, name), getattr(change, name)) for name in SECTIONS}
        return State(change.revision, **changed)


def _apply_changes(old: dict[str, T], changes: Mapping[str, T | None]) -> dict[str, T]:
    new = dict(old)
    for name, value in changes.items():
        if value is None:
            new.pop(name, None)
        else:
            new[name] = value
    return new
