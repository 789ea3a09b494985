"""How often, and after which pauses, a request is tried beyond once with each server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` in all, the first one included, as long as `timeout` s have not passed (0: no limit).

    Between two attempts lies `initial_interval` s, and more with each, up to twice as much. Tried again is
    what got no answer, if `without_answer`, and what was answered with one of `statuses`; in either case if
    its method is idempotent, or `any_method`.
    """

    attempts: int
    initial_interval: float = 0.0
    timeout: float = 0.0
    statuses: frozenset[int] = frozenset()
    without_answer: bool = True
    any_method: bool = False

    def pauses(self) -> Iterator[float]:
        """Seconds before each attempt after the first."""
        for number in range(self.attempts - 1):
            # As in Traefik, so that the last one is at most twice the first.
            yield self.initial_interval * 2 ** (number / (self.attempts - 1))


class Retrying:
    """A policy at work in one exchange; `made` counts attempts that came to nothing."""

    __slots__ = ("_end", "_pauses", "made", "policy")

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self.made = 0
        self._pauses = policy.pauses()
        self._end = monotonic() + policy.timeout if policy.timeout else float("inf")

    def another(self, more: int = 0) -> bool:
        """Whether there may be another attempt, after `more` that are not counted yet."""
        return self.made + more < self.policy.attempts and monotonic() < self._end

    def pause(self) -> float:
        """Seconds to wait before the next one."""
        return next(self._pauses, 0.0)
