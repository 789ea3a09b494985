"""Rendezvous hashing: a client address leads to the same server in every worker and instance.

Every server has a score for every client, and the highest score wins. If a server is added or removed, only
the clients move that it wins or had won. Weights are met by -weight/ln(score) (Schindelhauer and Schomaker).
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.balancing.hashing import rendezvous_score, stable_hash
from proxy.balancing.strategies import strategy

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, TargetChooser
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


@strategy("hrw")
def highest_random_weight(service: BalancedService) -> TargetChooser:
    """Choose by the client's address and the servers' names."""
    name_hashes = {target: stable_hash(target.server.name) for target in service.targets}

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        distinct = service.distinct
        if len(distinct) == 1:
            return distinct[0]
        now = monotonic()
        client = stable_hash(peer)

        def score(target: Target) -> float:
            return target.server.weight * target.warmth(now) * rendezvous_score(client, name_hashes[target])

        return max(distinct, key=score)

    return choose
