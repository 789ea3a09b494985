"""Strategies that go by load: power of two choices, least connections, least time.

The load is what this worker itself sends and observes, which costs no traffic. With many requests the workers
observe nearly the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from os import getpid
from time import monotonic
from typing import TYPE_CHECKING

from proxy.balancing.round_robin import MINIMUM_SHARE, median_latency
from proxy.balancing.strategies import strategy
from proxy.balancing.weighted_draw import ShareFraction, draw, mix64

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, TargetChooser
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

MAX_DRAWS = 16
"""Draws for a second server, if one server has nearly all the weight."""

MINIMUM_SECONDS = 0.001
"""The latency that is assumed at least for a server without observations."""


@strategy("p2c")
def power_of_two_choices(service: BalancedService) -> TargetChooser:
    """Draw two servers at random, and choose the one with fewer active requests for its weight."""
    random_numbers = map(mix64, count(getpid() << 32))

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        distinct = service.distinct
        if len(distinct) == 1:
            return distinct[0]
        now = monotonic()
        first, second = draw_two(service, random_numbers, lambda target: target.warmth(now))
        return first if _weighted_active(first, now) <= _weighted_active(second, now) else second

    return choose


def draw_two(
    service: BalancedService, random_numbers: Iterator[int], fraction: ShareFraction
) -> tuple[Target, Target]:
    """Draw two different servers; the service must have more than one."""
    first = draw(service.available, next(random_numbers), fraction)
    for _ in range(MAX_DRAWS):
        second = draw(service.available, next(random_numbers), fraction)
        if second is not first:
            return first, second
    others = [target for target in service.distinct if target is not first]
    return first, others[next(random_numbers) % len(others)]


@strategy("leastconn")
def least_connections(service: BalancedService) -> TargetChooser:
    """Choose the server with the fewest active requests for its weight; equals in round robin."""
    return _least_loaded(lambda targets, now: lambda target: _weighted_active(target, now))


@strategy("leasttime")
def least_time(service: BalancedService) -> TargetChooser:
    """Choose the server whose next response is expected first, by latency, active requests and weight."""
    return _least_loaded(_expected_times)


def _least_loaded(
    load_function: Callable[[Sequence[Target], float], Callable[[Target], float]],
) -> TargetChooser:
    numbers = count(getpid())

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        distinct = service.distinct
        if len(distinct) == 1:
            return distinct[0]
        now = monotonic()
        load = load_function(distinct, now)
        best = draw(service.available, next(numbers), lambda target: target.warmth(now))
        least = load(best)
        for target in distinct:
            if (found := load(target)) < least:
                best, least = target, found
        return best

    return choose


def _weighted_active(target: Target, now: float) -> float:
    return target.endpoint.active / (target.server.weight * target.warmth(now))


def _expected_times(targets: Sequence[Target], now: float) -> Callable[[Target], float]:
    usual = max(median_latency(targets, now), MINIMUM_SECONDS)

    def expected_time(target: Target) -> float:
        endpoint = target.endpoint
        failure_rate = endpoint.failure_rate(now)
        seconds = endpoint.latency(now)
        if not seconds and (endpoint.active or failure_rate):
            # It got requests but has not responded yet: it must not take all further requests.
            seconds = usual
        weight = target.server.weight * target.warmth(now) * max(1.0 - failure_rate, MINIMUM_SHARE)
        return seconds * (1 + endpoint.active) / weight

    return expected_time
