"""The states of a circuit breaker: closed, open for a time, recovering, and closed again.

The state is a few numbers in memory that all workers share. A breaker that one worker opens is open in all.
"""

from __future__ import annotations

import logging
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from typing import Literal

from proxy.circuit_breaker.conditions import Test
from proxy.circuit_breaker.statistics import Statistics

log = logging.getLogger(__name__)

GENERATION, OPEN_UNTIL, RECOVERY_START, NEXT_CHECK, LAST_USE = range(5)
"""Positions of the numbers of a state.

GENERATION grows by one with each opening, so that earlier counts no longer count. OPEN_UNTIL is 0 if the
breaker is closed. The recovery after an opening has begun if RECOVERY_START is not before OPEN_UNTIL.
"""

STATE_NUMBERS = 5

Phase = Literal["closed", "open", "recovering"]


@dataclass(frozen=True, slots=True)
class Durations:
    """Times of a circuit breaker in seconds, all above 0."""

    check_period: float
    fallback: float
    recovery: float


def phase(state: Sequence[float], recovery: float, now: float) -> Phase:
    """Return the phase of a breaker whose recovery takes so many seconds; nothing changes."""
    open_until = state[OPEN_UNTIL]
    if not open_until:
        return "closed"
    if now < open_until:
        return "open"
    start = state[RECOVERY_START]
    return "closed" if start >= open_until and now > start + recovery else "recovering"


class CircuitBreaker:
    """One circuit breaker as a worker sees it; `state` is shared by all workers. Times are monotonic."""

    def __init__(
        self,
        name: str,
        durations: Durations,
        test: Test,
        statistics: Statistics,
        state: MutableSequence[float],
    ) -> None:
        self._name = name
        self._durations = durations
        self._test = test
        self._statistics = statistics
        self._state = state
        self._ramp_start = 0.0
        self._admitted = self._refused = 0

    @property
    def last_use(self) -> float:
        """The time of the last check by any worker."""
        return self._state[LAST_USE]

    def admits(self, now: float) -> bool:
        """Return whether a request may go to a server; in a recovery, decide by the ramp."""
        state = self._state
        open_until = state[OPEN_UNTIL]
        if not open_until:
            return True
        if now < open_until:
            return False
        start = state[RECOVERY_START]
        if start < open_until:
            # As in Traefik, the recovery begins with the first request, and not in silence before.
            state[RECOVERY_START] = start = now
        if now > start + self._durations.recovery:
            state[OPEN_UNTIL] = 0.0
            log.info("circuit breaker %s is closed again", self._name)
            return True
        return self._ramp_admits(start, now)

    def record(self, now: float, status: int, latency: float | None) -> None:
        """Count a request that ended `now`; when a check is due, open the breaker if the test is true."""
        state = self._state
        generation = int(state[GENERATION])
        self._statistics.record(now, generation, status, latency)
        if now <= state[NEXT_CHECK]:
            return
        state[NEXT_CHECK] = now + self._durations.check_period
        state[LAST_USE] = now
        open_until = state[OPEN_UNTIL]
        if open_until and state[RECOVERY_START] < open_until:
            return
        if self._test(self._statistics.sums(now, generation)):
            state[GENERATION] = generation + 1
            state[OPEN_UNTIL] = now + self._durations.fallback
            log.warning("circuit breaker %s is open for %g s", self._name, self._durations.fallback)

    def _ramp_admits(self, start: float, now: float) -> bool:
        """Admit a share of requests that grows from 0 to a half, as in Traefik."""
        if self._ramp_start != start:
            self._ramp_start = start
            self._admitted = self._refused = 0
        share = (self._admitted + 1) / (self._admitted + self._refused + 1)
        if share < 0.5 * (now - start) / self._durations.recovery:
            self._admitted += 1
            return True
        self._refused += 1
        return False
