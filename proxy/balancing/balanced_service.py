"""A service as the data path uses it, and what chooses among its servers."""

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
"""For a request of the client with this address, the target to ask.

It is asked as it stands, `unavailable` or not. When it gives no answer, the service's others are asked.
"""

Strategy = Callable[["BalancedService"], TargetChooser | None]
"""Asked when a service is made ready, and again when its servers are looked at anew.

It gives the way of choosing, or None where the targets are to be taken in turn by tickets: the plain way,
which the data path goes without a call.
"""


@dataclass(slots=True, eq=False)
class BalancedService:
    """A service with its `targets`, and its `rotation`: these in the order of tickets, one period long.

    Servers that are down are no targets. `strategy` tells at each look how it chooses from then on: `choose`,
    None for the rotation's way. `present` is the rotation without those that take no new requests, and
    `distinct` each of these once; where none does, `all_unavailable`, they are all. `warming` tells that a server
    may be in its slow start, until it is looked at again; `sticky` is the cookie that clients are kept by, if
    they are. `composed` are the services that one without servers is made of.
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
    composed: CompositeService | None = None

    def refresh(self) -> None:
        """See anew who is away and who starts slowly, and choose accordingly."""
        if self.service.slow_start:
            now = monotonic()
            self.warming = any(target.warm_at > now for target in self.rotation)
        available = tuple(target for target in self.rotation if not target.unavailable)
        self.all_unavailable = not available
        # Equal ones are one object, for there may be many thousand services.
        self.available = available if 0 < len(available) < len(self.rotation) else self.rotation
        distinct = dict.fromkeys(self.available)
        self.distinct = self.available if len(distinct) == len(self.available) else tuple(distinct)
        self.choose = self.strategy(self)
