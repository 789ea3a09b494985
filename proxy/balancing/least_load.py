"""Strategies that go by load: power of two choices, least connections, least time.

The load is what this worker has under way, and has seen: it costs no traffic, and with many requests the
workers' pictures are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from os import getpid
from time import monotonic
from typing import TYPE_CHECKING

from proxy.balancing.round_robin import LEAST, usual_latency
from proxy.balancing.strategies import strategy
from proxy.balancing.weighted_draw import Part, draw, mixed

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, Choose
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

MOST_DRAWS = 16
"""Until two servers are found where one has nearly all the weight."""

LEAST_SECONDS = 0.001
"""What an answer is expected to take where nothing was seen yet."""


@strategy("p2c")
def of_two(service: BalancedService) -> Choose:
    """Power of two choices: of two servers drawn by lot, the one with less under way for its weight."""
    lots = map(mixed, count(getpid() << 32))

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        distinct = service.distinct
        if len(distinct) == 1:
            return distinct[0]
        now = monotonic()
        first, second = two(service, lots, lambda target: target.warmth(now))
        return first if _active(first, now) <= _active(second, now) else second

    return choose


def two(service: BalancedService, lots: Iterator[int], part: Part) -> tuple[Target, Target]:
    """Two servers, of more than one."""
    first = draw(service.present, next(lots), part)
    for _ in range(MOST_DRAWS):
        second = draw(service.present, next(lots), part)
        if second is not first:
            return first, second
    others = [target for target in service.distinct if target is not first]
    return first, others[next(lots) % len(others)]


@strategy("leastconn")
def least_connections(service: BalancedService) -> Choose:
    """The server with least under way for its weight; among equals, in turn."""
    return _least(lambda targets, now: lambda target: _active(target, now))


@strategy("leasttime")
def least_time(service: BalancedService) -> Choose:
    """The server whose next answer would begin first, by what was seen and is under way, for its weight."""
    return _least(_expected)


def _least(loads: Callable[[Sequence[Target], float], Callable[[Target], float]]) -> Choose:
    turn = count(getpid())

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        distinct = service.distinct
        if len(distinct) == 1:
            return distinct[0]
        now = monotonic()
        load = loads(distinct, now)
        best = draw(service.present, next(turn), lambda target: target.warmth(now))
        least = load(best)
        for target in distinct:
            if (found := load(target)) < least:
                best, least = target, found
        return best

    return choose


def _active(target: Target, now: float) -> float:
    return target.endpoint.active / (target.server.weight * target.warmth(now))


def _expected(targets: Sequence[Target], now: float) -> Callable[[Target], float]:
    usual = max(usual_latency(targets, now), LEAST_SECONDS)

    def expected(target: Target) -> float:
        endpoint = target.endpoint
        failing = endpoint.failing(now)
        seconds = endpoint.latency(now)
        if not seconds and (endpoint.active or failing):
            # Not seen yet, but not for want of asking: it must not take everything.
            seconds = usual
        weight = target.server.weight * target.warmth(now) * max(1.0 - failing, LEAST)
        return seconds * (1 + endpoint.active) / weight

    return expected
