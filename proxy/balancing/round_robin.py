"""Strategies that go by tickets: weighted round robin, and the dynamic one of Traefik 1."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low
from time import monotonic
from typing import TYPE_CHECKING

from proxy.balancing.strategies import strategy
from proxy.balancing.weighted_draw import draw

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, Choose
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

TOLERATED = 2.0
"""A server keeps its whole share as long as it takes no longer than this times what the median one takes."""

LEAST = 0.05
"""The part of its share that a server keeps however badly it does, so that its recovery is seen."""


@strategy("wrr")
def in_turn(service: BalancedService) -> Choose | None:
    """Weighted round robin: plain, but while a server is in its slow start or what else is asked needs it."""
    return weigh_in_turn if service.warming else None


def weigh_in_turn(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
    """By the ticket; servers in their slow start turn some of theirs down."""
    present = service.present
    ticket = tickets.take(service.name) - 1 if len(present) > 1 else 0
    if not service.warming:
        return present[ticket % len(present)]
    now = monotonic()
    if all(target.warm_at <= now for target in service.distinct):
        service.look()
    return draw(present, ticket, lambda target: target.warmth(now))


@strategy("drr")
def dynamically(service: BalancedService) -> Choose:
    """Dynamic round robin: who does worse than the others turns tickets down."""
    return weigh_dynamically


def weigh_dynamically(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
    """By the ticket, and by what this worker has seen of each server lately."""
    present = service.present
    if len(present) == 1:
        return present[0]
    ticket = tickets.take(service.name) - 1
    now = monotonic()
    usual = usual_latency(service.distinct, now)
    return draw(present, ticket, lambda target: performance(target, usual, now) * target.warmth(now))


def usual_latency(targets: Sequence[Target], now: float) -> float:
    """The median of what was seen; 0 where nothing was."""
    seen = [latency for target in targets if (latency := target.endpoint.latency(now))]
    return median_low(seen) if seen else 0.0


def performance(target: Target, usual: float, now: float) -> float:
    """The part of its share that a server earns, by its answers' time and by its requests without one."""
    latency = target.endpoint.latency(now)
    part = 1.0 - target.endpoint.failing(now)
    if latency > usual * TOLERATED:
        part *= usual * TOLERATED / latency
    return max(part, LEAST)
