"""The interface of what chooses a service's servers, and the strategies by name.

A strategy is asked once, when a service is made ready, and gives its way of choosing, or None where the
targets are to be taken in turn by tickets: the plain way, which the data path goes without a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target
    from proxy.upstream.servers import ServedService

Choose = Callable[["ServedService", "Tickets", "Request", str], "Target"]
"""For a request of the client with this address, the target to ask.

It is asked as it stands, `away` or not. When it gives no answer, the service's others are asked.
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
