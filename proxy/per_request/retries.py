"""Retry policies: how often a request is tried again, and after which pauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A policy of `attempts` in all, including the first, until `timeout` s have passed (0: no limit).

    The pause between two attempts begins with `initial_interval` s, and grows up to twice as much. A request
    is tried again if it got no response and `without_response` is set, or if the response has one of
    `statuses`. Its method must be idempotent unless `any_method` is set.
    """

    attempts: int
    initial_interval: float = 0.0
    timeout: float = 0.0
    statuses: frozenset[int] = frozenset()
    without_response: bool = True
    any_method: bool = False

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each attempt after the first."""
        for number in range(self.attempts - 1):
            # As in Traefik: the last pause is at most twice the first.
            yield self.initial_interval * 2 ** (number / (self.attempts - 1))


class RetryState:
    """The state of a retry policy in one exchange; `attempts_made` counts failed attempts."""

    __slots__ = ("_end", "_pauses", "attempts_made", "policy")

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self.attempts_made = 0
        self._pauses = policy.pauses()
        self._end = monotonic() + policy.timeout if policy.timeout else float("inf")

    def may_retry(self, uncounted: int = 0) -> bool:
        """Return whether another attempt is allowed, after `uncounted` attempts that are not counted yet."""
        return self.attempts_made + uncounted < self.policy.attempts and monotonic() < self._end

    def next_pause(self) -> float:
        """Return the seconds to wait before the next attempt."""
        return next(self._pauses, 0.0)
