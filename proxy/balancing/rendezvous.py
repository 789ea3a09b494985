"""Rendezvous hashing: a client's address leads to the same server whichever worker or instance it asks.

Every server has a score for every client, and the highest wins; so when a server comes or goes, only the
clients that it wins or had won move. Weights are met by -weight/ln(score) (Schindelhauer and Schomaker).
"""

from __future__ import annotations

from hashlib import blake2b
from math import log
from time import monotonic
from typing import TYPE_CHECKING

from proxy.balancing.draw import mixed
from proxy.balancing.strategies import Choose, strategy

if TYPE_CHECKING:
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target
    from proxy.upstream.servers import ServedService

_WHOLE = float(1 << 64)


@strategy("hrw")
def highest_random_weight(service: ServedService) -> Choose:
    """By the client's address, and the servers' names."""
    names = {target: hashed(target.server.name) for target in service.targets}

    def choose(service: ServedService, tickets: Tickets, request: Request, peer: str) -> Target:
        distinct = service.distinct
        if len(distinct) == 1:
            return distinct[0]
        now = monotonic()
        client = hashed(peer)

        def score(target: Target) -> float:
            return target.server.weight * target.warmth(now) * luck(client, names[target])

        return max(distinct, key=score)

    return choose


def luck(client: int, server: int) -> float:
    """Above 0; for random clients exponentially distributed in 1/luck, so that weights are met."""
    # Half a step away from 0 and from 1, whose logarithms would be of no use.
    part = (mixed(client ^ server) + 0.5) / _WHOLE
    return -1.0 / log(part) if part < 1.0 else _WHOLE


def hashed(text: str) -> int:
    """64 bits that are the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
