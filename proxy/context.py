"""The state that the connections of one worker share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from proxy.http1.limits import REMOVED_LINES_TRUSTED, Limits
from proxy.http2.unread_content import WORKER_LIMIT, UnreadContent
from proxy.limits.in_flight_limits import InFlightLimits
from proxy.limits.rate_limits import RateLimits
from proxy.middlewares.chains import Chains
from proxy.mirroring.copy_budget import CopyBudget
from proxy.net.deadlines import NEVER
from proxy.per_request.retries import RetryPolicy
from proxy.telemetry.tallies import Tallies
from proxy.tls.options_registry import OptionsRegistry
from proxy.upstream.auxiliary_pools import AuxiliaryPools
from rondpoint.middleware.installed import InstalledMiddlewares

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.ejection.ejections import Ejections
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client
    from proxy.net.deadlines import Sweeper
    from proxy.per_request.local_response import LocalResponse
    from proxy.routing.table import RoutingTable
    from proxy.services.registry import ServiceRegistry
    from proxy.telemetry.access_log import AccessLog
    from proxy.upstream.timeouts import UpstreamTimeouts
    from rondpoint.entry_points.redirection import RedirectionTarget
    from rondpoint.servers_transports.client_context import OpenKey

    InternalService = Callable[[Request, Client], LocalResponse]
    """Responds to a request that a router sends to one of Rondpoint's own services. Raises RequestError."""


@dataclass(frozen=True, slots=True)
class ClientTimeouts:
    """Timeouts in seconds, 0 for none.

    `read`: how long a client may take to send a head, or to make progress with a body. `idle`: how long a
    connection may stay idle between requests. `stall`: how long a client may accept no data of a response.
    `tunnel`: how long client and server of a tunnel may both be silent.
    """

    read: float = 60.0
    idle: float = 180.0
    stall: float = 0.0
    tunnel: float = 0.0


@dataclass(slots=True)
class WorkerContext:
    """The state of a worker's data path, and its counts.

    `terminating`: the whole proxy ends, and still accepts connections. While `draining` is set, connections
    end after their current or next request; an idle connection has until `drain_deadline` for its next
    request. `connections` counts open client connections by entry point, and `upgrades` the tunnels among
    them. `admin_requests` are those of `requests` to the admin entry point. `retry` applies to routers
    without a retry middleware. `copies` are those of requests for mirrors. `entry_points` are targets of
    redirections by name, `installed` the middlewares in Python, `tls_options` those that routers name.
    `open_key` opens private keys that providers have sealed. `internal_services` are Rondpoint's own services
    by name; `admin_application` serves the admin entry point. `unread_content` counts that of HTTP/2
    requests.
    """

    table: RoutingTable
    services: ServiceRegistry
    tickets: Tickets
    sweeper: Sweeper
    ejections: Ejections
    upstream_timeouts: UpstreamTimeouts
    limits: Limits = field(default_factory=Limits)
    limits_of_trusted: Limits = field(init=False)
    server_name: bytes = b"rondpoint"
    configured: bool = False
    terminating: bool = False
    draining: bool = False
    drain_deadline: float = NEVER
    requests: int = 0
    admin_requests: int = 0
    upgrades: int = 0
    chains: Chains = field(init=False)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    in_flight_limits: InFlightLimits = field(default_factory=InFlightLimits)
    tallies: Tallies = field(default_factory=Tallies)
    connections: dict[str, int] = field(default_factory=dict)
    access_log: AccessLog | None = None
    retry: RetryPolicy | None = None
    copies: CopyBudget = field(default_factory=CopyBudget)
    entry_points: Mapping[str, RedirectionTarget] = field(default_factory=dict)
    installed: InstalledMiddlewares = field(default_factory=InstalledMiddlewares)
    tls_options: OptionsRegistry = field(default_factory=OptionsRegistry)
    open_key: OpenKey = str
    internal_services: dict[str, InternalService] = field(default_factory=dict)
    admin_application: InternalService | None = None
    unread_content: UnreadContent = field(default_factory=partial(UnreadContent, WORKER_LIMIT))

    def __post_init__(self) -> None:
        pools = AuxiliaryPools(self.sweeper, self.upstream_timeouts)
        self.chains = Chains(pools, self.entry_points, self.installed, self.open_key)
        self.limits_of_trusted = replace(self.limits, removed_lines=REMOVED_LINES_TRUSTED)
