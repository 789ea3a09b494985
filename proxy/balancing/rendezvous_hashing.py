"""Rendezvous hashing: a client's address leads to the same server whichever worker or instance it asks.

Every server has a score for every client, and the highest wins; so when a server comes or goes, only the
clients that it wins or had won move. Weights are met by -weight/ln(score) (Schindelhauer and Schomaker).
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.balancing.hashing import hashed, luck
from proxy.balancing.strategies import strategy

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, Choose
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


@strategy("hrw")
def highest_random_weight(service: BalancedService) -> Choose:
    """By the client's address, and the servers' names."""
    names = {target: hashed(target.server.name) for target in service.targets}

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        distinct = service.distinct
        if len(distinct) == 1:
            return distinct[0]
        now = monotonic()
        client = hashed(peer)

        def score(target: Target) -> float:
            return target.server.weight * target.warmth(now) * luck(client, names[target])

        return max(distinct, key=score)

    return choose
