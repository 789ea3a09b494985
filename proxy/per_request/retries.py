"""Decides whether a request is tried again, and after which pause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

MAX_CONDITIONAL_ATTEMPTS = 11
"""Attempts of a request with a condition, as in Traefik."""


class Retries(Protocol):
    """Decides about further attempts of one request; `attempts_made` counts failed attempts.

    `any_method` means that methods that are not idempotent are repeated too; `any_failure`, that an attempt
    may also be repeated after a timeout, or if the server has ended the connection within its response.
    """

    attempts_made: int

    @property
    def any_method(self) -> bool: ...

    @property
    def any_failure(self) -> bool: ...

    def wants_status(self, status: int) -> bool:
        """Return whether to try again after a response with this status, which is not counted yet."""

    def may_retry(self, status: int, *, responded: bool) -> bool:
        """Return whether to try again after the last attempt, which is counted.

        `status` is its response's if the server has `responded`, otherwise what the client would get.
        """

    def next_pause(self) -> float:
        """Return the seconds to wait before the next attempt."""


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
    """The state of a retry policy in one exchange."""

    __slots__ = ("_end", "_pauses", "attempts_made", "policy")

    any_failure = False

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self.attempts_made = 0
        self._pauses = policy.pauses()
        self._end = monotonic() + policy.timeout if policy.timeout else float("inf")

    @property
    def any_method(self) -> bool:
        return self.policy.any_method

    def wants_status(self, status: int) -> bool:
        return status in self.policy.statuses and self._attempts_left(self.attempts_made + 1)

    def may_retry(self, status: int, *, responded: bool) -> bool:
        return (responded or self.policy.without_response) and self._attempts_left(self.attempts_made)

    def next_pause(self) -> float:
        return next(self._pauses, 0.0)

    def _attempts_left(self, made: int) -> bool:
        return made < self.policy.attempts and monotonic() < self._end


class ConditionalRetries:
    """Tries again, without a pause, as long as a condition on attempts made and status holds."""

    __slots__ = ("_condition", "attempts_made")

    any_method = True
    any_failure = True

    def __init__(self, condition: Callable[[int, int], bool]) -> None:
        self._condition = condition
        self.attempts_made = 0

    def wants_status(self, status: int) -> bool:
        return self._holds(self.attempts_made + 1, status)

    def may_retry(self, status: int, *, responded: bool) -> bool:
        return self._holds(self.attempts_made, status)

    def next_pause(self) -> float:
        return 0.0

    def _holds(self, made: int, status: int) -> bool:
        return made < MAX_CONDITIONAL_ATTEMPTS and self._condition(made, status)
