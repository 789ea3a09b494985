"""Strategies that go by tickets: weighted round robin, and the dynamic round robin of Traefik 1."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low
from time import monotonic
from typing import TYPE_CHECKING

from proxy.balancing.strategies import strategy
from proxy.balancing.weighted_draw import draw

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, Strategy, TargetChooser
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

LATENCY_TOLERANCE = 2.0
"""A server keeps its whole share while its latency is at most this multiple of the median latency."""

MINIMUM_SHARE = 0.05
"""The fraction of its share that even the worst server keeps, so that its recovery is noticed."""


@strategy("wrr")
def round_robin(service: BalancedService) -> TargetChooser | None:
    """Use plain weighted round robin, or `choose_by_ticket` while a server is in its slow start."""
    return choose_by_ticket if service.warming else None


def choose_by_ticket(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
    """Choose by the ticket; servers in their slow start decline part of their tickets."""
    available = service.available
    ticket = tickets.take(service.name) - 1 if len(available) > 1 else 0
    if not service.warming:
        return available[ticket % len(available)]
    now = monotonic()
    if all(target.warm_at <= now for target in service.distinct):
        service.refresh()
    return draw(available, ticket, lambda target: target.warmth(now))


def observing(strategy: Strategy) -> Strategy:
    """Return a strategy that chooses like `strategy`, but always by a function: its requests are observed."""
    return lambda service: strategy(service) or choose_by_ticket


@strategy("drr")
def dynamic_round_robin(service: BalancedService) -> TargetChooser:
    """Use round robin in which servers decline tickets if they perform worse than the others."""
    return choose_by_performance


def choose_by_performance(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
    """Choose by the ticket, and by what this worker has recently observed of each server."""
    available = service.available
    if len(available) == 1:
        return available[0]
    ticket = tickets.take(service.name) - 1
    now = monotonic()
    usual = median_latency(service.distinct, now)
    return draw(available, ticket, lambda target: performance(target, usual, now) * target.warmth(now))


def median_latency(targets: Sequence[Target], now: float) -> float:
    """Return the median of the observed latencies in seconds; 0 without any."""
    seen = [latency for target in targets if (latency := target.endpoint.latency(now))]
    return median_low(seen) if seen else 0.0


def performance(target: Target, usual: float, now: float) -> float:
    """Return the fraction of its share that a server earns, by its latency and its failure rate."""
    latency = target.endpoint.latency(now)
    fraction = 1.0 - target.endpoint.failure_rate(now)
    if latency > usual * LATENCY_TOLERANCE:
        fraction *= usual * LATENCY_TOLERANCE / latency
    return max(fraction, MINIMUM_SHARE)
