"""Decides from the store's response times whether requests wait for the store.

Requests stop waiting once the store is late, and wait again after trials that it replied to in time. Trials
cost no request any time, so a store that is merely far away does not either.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

REPLY_TIMEOUT = 0.02
"""Seconds that a request waits for the store before the worker's own count decides."""

TRIALS_REQUIRED = 3
"""Consecutive trials that the store must reply to in time before requests wait for it again."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""Seconds before further trials of a store that was late twice within LONGEST_PAUSE. The pause doubles each
time the store is late again so soon. Requests so wait for a store of changing latency once per pause at most.
"""


class ResponseTrials:
    """The state of the trials: while `degraded` is set, no request waits for the store.

    `pause` is the time in seconds before the next trial.
    """

    __slots__ = ("_now", "_passed", "_recovered_at", "degraded", "pause")

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._passed = 0
        self._recovered_at = now() - LONGEST_PAUSE
        self.degraded = True
        self.pause = 0.0

    def degrade(self) -> None:
        """Let no request wait from now on: the store was late, or its connection broke."""
        if not self.degraded:
            again = self._now() - self._recovered_at < LONGEST_PAUSE
            self.pause = min(max(FIRST_PAUSE, self.pause * 2), LONGEST_PAUSE) if again else 0.0
        self.degraded = True
        self._passed = 0

    def late_reply(self) -> bool:
        """Handle a late reply to a request's command; return whether requests wait again at once."""
        if self.pause:
            return False
        # A single late reply may be chance.
        self._recover()
        return True

    def late_trial(self) -> None:
        """Begin the trials anew, after a pause, because the store was late in one."""
        self._passed = 0
        self.pause = max(self.pause, FIRST_PAUSE)

    def passed_trial(self) -> bool:
        """Count a reply in time; return whether it was the last one required, so that requests wait again."""
        self._passed += 1
        if self._passed < TRIALS_REQUIRED:
            return False
        self._recover()
        return True

    def _recover(self) -> None:
        self._recovered_at = self._now()
        self._passed = 0
        self.degraded = False
