"""The time limits of one exchange, which the middleware `timeouts` sets."""

from __future__ import annotations

from proxy.net.deadlines import NEVER, after


class TimeLimits:
    """The `end` of the exchange in monotonic seconds, and the seconds of each `attempt`, 0 for no limit."""

    __slots__ = ("attempt", "end")

    def __init__(self) -> None:
        self.end = NEVER
        self.attempt = 0.0

    def restrict(self, request: float, attempt: float) -> None:
        """Apply limits in seconds, 0 for none, from now on; of several, the strictest one counts."""
        self.end = min(self.end, after(request))
        self.attempt = min(filter(None, (self.attempt, attempt)), default=0.0)

    def attempt_end(self) -> float:
        """Return when an attempt has to end that begins now."""
        return min(self.end, after(self.attempt))
