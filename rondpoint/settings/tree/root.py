"""The root of the settings tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from rondpoint.settings.closed_parts import ClosedPart, entry_point_part, format_reason
from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.access_log import AccessLog
from rondpoint.settings.tree.administration import Api, Log, Ping
from rondpoint.settings.tree.certificates_resolvers import CertificatesResolver, ResolverOptions
from rondpoint.settings.tree.entry_points import ADMIN, EntryPoint
from rondpoint.settings.tree.installation import AgentOptions, Limits, Middlewares, Redis, Store
from rondpoint.settings.tree.metrics import Metrics
from rondpoint.settings.tree.providers import Providers
from rondpoint.settings.tree.registrator import RegistratorOptions
from rondpoint.settings.tree.section import Section
from rondpoint.settings.tree.tracing import Tracing
from rondpoint.settings.tree.upstream import ServersTransport, TcpServersTransport
from rondpoint.settings.values import Address, OptionalPath, PositiveInt, Text


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(Section):
    """All settings of Rondpoint.

    `entry_points` holds the web and UDP entry points by name, and the admin entry point as `traefik`.
    `closed_parts` is computed: the parts that are closed because an option that protects them is not
    served.
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
    certificates_resolvers: Mapping[str, CertificatesResolver] = Field(
        default_factory=lambda: MappingProxyType({})
    )
    redis: Redis = Redis()
    store: Store = Store()
    web_address: Address = Field(
        default=":8000",
        description="The default address of the entry point `web` (with Traefik 1, `http`); the images set "
        "it to `:80`.",
    )
    user: Text = Field(
        default="",
        description="The user for the store and the proxy if root runs `rondpoint up`; only the agent then "
        "keeps root's rights, for the Docker socket. By default all processes run as the user that starts "
        "Rondpoint.",
    )
    agent: AgentOptions = AgentOptions()
    workers: PositiveInt = Field(
        default_factory=_count_cores, description="Number of worker processes; by default one for each core."
    )
    servers_transport: ServersTransport = ServersTransport()
    tcp_servers_transport: TcpServersTransport = TcpServersTransport()
    limits: Limits = Limits()
    middlewares: Middlewares = Middlewares()
    state_directory: OptionalPath = Field(
        default=None,
        description="The directory in which a proxy saves its last configuration, for a start while the "
        "store is unavailable.",
    )
    closed_parts: tuple[ClosedPart, ...] = Field(default=(), exclude=True)

    @property
    def web_entry_points(self) -> dict[str, EntryPoint]:
        """The entry points that serve routers for HTTP, by name."""
        points = self.entry_points.items()
        return {name: point for name, point in points if name != ADMIN and point.protocol == "tcp"}

    @property
    def udp_entry_points(self) -> dict[str, EntryPoint]:
        """The entry points for UDP, by name."""
        return {name: point for name, point in self.entry_points.items() if point.protocol == "udp"}

    @property
    def admin(self) -> EntryPoint:
        """The admin entry point: API, dashboard and ping."""
        return self.entry_points[ADMIN]

    @property
    def grace_seconds(self) -> float:
        """The seconds that a leaving worker has to finish its requests."""
        return max(point.transport.life_cycle.grace_time_out for point in self.entry_points.values())

    @property
    def accept_grace_seconds(self) -> float:
        """The seconds for which the proxy still accepts connections when it ends."""
        return max(
            point.transport.life_cycle.request_accept_grace_timeout for point in self.entry_points.values()
        )

    def closed_reason(self, entry_point: str) -> str:
        """Return why this entry point is closed, or an empty text if it is open."""
        part = entry_point_part(entry_point)
        reason = self.refusal(part)
        return f"{part} is closed: {reason}" if reason else ""

    def refusal(self, part: str) -> str:
        """Return why a part, as `rondpoint.settings.closed_parts` names it, is closed, or an empty text."""
        return format_reason(self.closed_parts, part)

    @property
    def tls_entry_points(self) -> frozenset[str]:
        """The names of the entry points that speak TLS."""
        return frozenset(name for name, point in self.entry_points.items() if point.tls is not None)

    @property
    def tls_options(self) -> dict[str, str]:
        """The TLS options of routers without `tls` of their own, by entry point that speaks TLS."""
        points = {name: self.entry_points[name].http.tls for name in self.tls_entry_points}
        return {name: "" if options is None else options.options for name, options in points.items()}

    @property
    def acme_resolvers(self) -> dict[str, ResolverOptions]:
        """The options of each certificates resolver that obtains certificates by ACME."""
        return {
            name: each.acme for name, each in self.certificates_resolvers.items() if each.acme is not None
        }

    @property
    def http_challenge_entry_points(self) -> frozenset[str]:
        """The names of the entry points that respond to ACME's HTTP challenges."""
        named = {
            resolver.http_challenge.entry_point
            for resolver in self.acme_resolvers.values()
            if resolver.http_challenge is not None
        }
        return frozenset(name for name in self.web_entry_points if name in named)

    @property
    def default_entry_points(self) -> tuple[str, ...]:
        """The entry points of routers that name none: those with `asDefault`, else all web entry points."""
        web = self.web_entry_points
        return tuple(name for name, point in web.items() if point.as_default) or tuple(web)
