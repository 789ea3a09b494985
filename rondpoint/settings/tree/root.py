"""The whole tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import Field

from rondpoint.settings import closed_parts
from rondpoint.settings.closed_parts import ClosedPart
from rondpoint.settings.tree.access_log import AccessLog
from rondpoint.settings.tree.administration import Api, Log, Ping
from rondpoint.settings.tree.entry_points import ADMIN, EntryPoint
from rondpoint.settings.tree.installation import AgentOptions, Limits, Redis
from rondpoint.settings.tree.metrics import Metrics
from rondpoint.settings.tree.providers import Providers
from rondpoint.settings.tree.registrator import RegistratorOptions
from rondpoint.settings.tree.section import Section
from rondpoint.settings.tree.tracing import Tracing
from rondpoint.settings.tree.upstream import ServersTransport
from rondpoint.settings.values import Address, PositiveInt, OptionalPath, Text


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(Section):
    """Everything that is decided before Rondpoint starts.

    `entry_points` holds the web entry points by name, and the admin one as `traefik`. `closed` is what
    options that are not served were to guard; it is found, not set.
    """

    entry_points: Mapping[str, EntryPoint] = Field(
        default_factory=lambda: MappingProxyType(
            {"web": EntryPoint(address=":8000"), ADMIN: EntryPoint(address="127.0.0.1:8080")}
        )
    )
    providers: Providers = Providers()
    registrator: RegistratorOptions | None = None
    api: Api = Api()
    ping: Ping | None = None
    log: Log = Log()
    access_log: AccessLog | None = None
    metrics: Metrics | None = None
    tracing: Tracing | None = None
    redis: Redis = Redis()
    web_address: Address = Field(
        default=":8000",
        description="Where the entry point `web` (with Traefik 1, `http`) listens unless it has an address "
        "of its own; images set it to `:80`.",
    )
    user: Text = Field(
        default="",
        description="The user that `rondpoint up` has the store and the proxy run as when root starts it; "
        "only the agent then keeps root's rights, for the Docker socket. By default all run as who started "
        "them.",
    )
    agent: AgentOptions = AgentOptions()
    workers: PositiveInt = Field(default_factory=_cores, description="Worker processes; one a core by default.")
    servers_transport: ServersTransport = ServersTransport()
    limits: Limits = Limits()
    state_directory: OptionalPath = Field(
        default=None,
        description="Where a proxy keeps the last configuration it had, for a start while the store is gone.",
    )
    closed: tuple[ClosedPart, ...] = Field(default=(), exclude=True)

    @property
    def web_entry_points(self) -> dict[str, EntryPoint]:
        """The entry points that serve routers."""
        return {name: point for name, point in self.entry_points.items() if name != ADMIN}

    @property
    def admin(self) -> EntryPoint:
        """The entry point of API, dashboard and ping."""
        return self.entry_points[ADMIN]

    def closed_reason(self, entry_point: str) -> str:
        """Why this entry point is closed; empty where it is open."""
        part = closed_parts.entry_point_part(entry_point)
        reason = self.refusal(part)
        return f"{part} is closed: {reason}" if reason else ""

    def refusal(self, part: str) -> str:
        """Why this is closed, of what `rondpoint.settings.closed_parts` names; empty where it is not."""
        return closed_parts.format_reason(self.closed, part)

    @property
    def tls_entry_points(self) -> frozenset[str]:
        """Those that speak TLS."""
        return frozenset(name for name, point in self.entry_points.items() if point.tls is not None)

    @property
    def default_entry_points(self) -> tuple[str, ...]:
        """Where routers that name no entry point are served: those marked so, else all web ones."""
        web = self.web_entry_points
        return tuple(name for name, point in web.items() if point.as_default) or tuple(web)
