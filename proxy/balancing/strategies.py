"""The interface of what chooses a service's servers, and the strategies by name.

A strategy is asked once, when a service is made ready, and gives its way of choosing, or None where the
targets are to be taken in turn by tickets: the plain way, which the data path goes without a call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target
    from proxy.upstream.servers import ServedService

Choose = Callable[["ServedService", "Tickets", "Request", str], "Sequence[Target]"]
"""For a request of the client with this address: targets in the order in which they are to be asked.

Those that are `away` may be among them, and are passed over by whoever asks.
"""

Strategy = Callable[["ServedService"], Choose | None]

STRATEGIES: dict[str, Strategy] = {}
"""Every strategy that is followed, by its name in the model; others are taken in turn."""


def strategy(name: str) -> Callable[[Strategy], Strategy]:
    """Register a strategy."""

    def register(function: Strategy) -> Strategy:
        STRATEGIES[name] = function
        return function

    return register


@strategy("wrr")
def in_turn(service: ServedService) -> Choose | None:
    """Weighted round robin: the rotation, by the tickets that all workers share."""
    return None
