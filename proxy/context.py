"""What one worker's connections share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from proxy.http1.limits import ENDS_HERE_TRUSTED, Limits
from proxy.middlewares.chains import Chains
from proxy.net.deadlines import NEVER
from proxy.per_request.retries import RetryPolicy
from proxy.telemetry.tallies import Tallies

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.ejection.ejections import Ejections
    from proxy.net.deadlines import Sweeper
    from proxy.routing.table import RoutingTable
    from proxy.services.registry import ServiceRegistry
    from proxy.telemetry.access_log import AccessLog
    from proxy.upstream.timeouts import UpstreamTimeouts


@dataclass(frozen=True, slots=True)
class ClientTimeouts:
    """Seconds, 0 for none: to send a head or make progress with a body; to stay idle between requests; to
    take nothing of what is sent; to say nothing in a tunnel, the server being silent too.
    """

    read: float = 60.0
    idle: float = 180.0
    stall: float = 0.0
    tunnel: float = 0.0


@dataclass(slots=True)
class Context:
    """The state of a worker's data path, and counts of what it did.

    `draining` asks connections to end after their present or next request, `drain_deadline` is until when
    that may come; `connections` counts those open now by entry point, `upgrades` the tunnels among them.
    `retry` is for routers without a retry middleware.
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
    draining: bool = False
    drain_deadline: float = NEVER
    requests: int = 0
    upgrades: int = 0
    chains: Chains = field(default_factory=Chains)
    tallies: Tallies = field(default_factory=Tallies)
    connections: dict[str, int] = field(default_factory=dict)
    access_log: AccessLog | None = None
    retry: RetryPolicy | None = None

    def __post_init__(self) -> None:
        self.limits_of_trusted = replace(self.limits, ends_here=ENDS_HERE_TRUSTED)
