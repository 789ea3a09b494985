"""A service as the data path uses it: its targets, their rotation, and the function that chooses a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.balancing.composite_service import CompositeService
    from proxy.balancing.sticky_cookie import Stickiness
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target
    from rondpoint.model import Service

TargetChooser = Callable[["BalancedService", "Tickets", "Request", str], "Target"]
"""Returns the target for a request of the client with this address.

The data path sends the request to this target even if it is `unavailable`. If the target does not respond,
the data path tries the service's other targets.
"""

Strategy = Callable[["BalancedService"], TargetChooser | None]
"""Called when a service is built, and again at each `refresh`.

Returns the function that chooses targets, or None for plain round robin by tickets. The data path performs
plain round robin itself, without a call.
"""


@dataclass(slots=True, eq=False)
class BalancedService:
    """A service with its `targets` and its `rotation`: the targets in the order of tickets, one period long.

    Servers that are down are no targets. `strategy` decides at each refresh what `choose` is; None means
    plain round robin. `available` is the rotation without targets that take no new requests, and `distinct`
    has each of these once. If no target takes new requests, `all_unavailable` is set and both hold all
    targets. `warming` means that a server may be in its slow start; it is computed at each refresh. `sticky`
    is the cookie that keeps clients with a server, if the service has one. `composite` holds the members of a
    composite service.
    """

    service: Service
    name: str
    targets: list[Target]
    rotation: tuple[Target, ...]
    pass_host_header: bool
    strategy: Strategy
    choose: TargetChooser | None = None
    all_unavailable: bool = False
    available: tuple[Target, ...] = ()
    distinct: tuple[Target, ...] = ()
    warming: bool = False
    sticky: Stickiness[Target] | None = None
    composite: CompositeService | None = None

    def refresh(self) -> None:
        """Compute anew which targets are available or in slow start, and how the service chooses."""
        if self.service.slow_start:
            now = monotonic()
            self.warming = any(target.warm_at > now for target in self.rotation)
        available = tuple(target for target in self.rotation if not target.unavailable)
        self.all_unavailable = not available
        # Equal tuples are one object, because there may be many thousand services.
        self.available = available if 0 < len(available) < len(self.rotation) else self.rotation
        distinct = dict.fromkeys(self.available)
        self.distinct = self.available if len(distinct) == len(self.available) else tuple(distinct)
        self.choose = self.strategy(self)
