"""One request's part of a trace, as it is noted while the request is answered."""

from __future__ import annotations

from os import urandom
from time import time_ns
from typing import TYPE_CHECKING

from proxy.telemetry.tracing.context import context_lines, parent_of, without_context

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target

_SIXTY_FOUR_BITS = (1 << 64) - 1


class Attempt:
    """A request to a server; times in Unix nanoseconds, `status` and `answered` are 0 without an answer."""

    __slots__ = ("answered", "asked", "method", "path", "span_id", "status", "target")

    def __init__(self, span_id: str, target: Target, method: bytes, path: bytes) -> None:
        self.span_id = span_id
        self.target = target
        self.method = method
        self.path = path
        self.asked = time_ns()
        self.answered = 0
        self.status = 0


class Trace:
    """`span_id` is the entry point's; each server that is asked has a span of its own."""

    __slots__ = ("_next", "attempts", "began", "parent_id", "sampled", "span_id", "state", "trace_id")

    def __init__(self, request: Request, bound: int) -> None:
        """Takes the request's context from its header lines; new traces below `bound` are sampled."""
        parent = parent_of(request.headers)
        self.began = time_ns()
        if parent is None:
            drawn = urandom(24)
            self.trace_id, self.span_id = drawn[:16].hex(), drawn[16:].hex()
            self.parent_id = ""
            # As OpenTelemetry's TraceIdRatioBased decides, so that all who do agree.
            self.sampled = int(self.trace_id, 16) & _SIXTY_FOUR_BITS < bound
            self.state = b""
        else:
            self.trace_id, self.span_id = parent.trace_id, urandom(8).hex()
            self.parent_id = parent.span_id
            self.sampled = parent.sampled
            self.state = parent.state
        request.headers = without_context(request.headers)
        self.attempts: list[Attempt] = []
        self._next = ""

    def lines(self) -> bytes:
        """Header lines for the next server that is asked."""
        self._next = urandom(8).hex()
        return context_lines(self.trace_id, self._next, self.sampled, self.state)

    def asked(self, target: Target, request: Request) -> None:
        """The server that these lines were for is asked now."""
        self.attempts.append(Attempt(self._next, target, request.method, request.target))

    def answered(self, status: int) -> None:
        """Its answer has begun."""
        attempt = self.attempts[-1]
        attempt.answered = time_ns()
        attempt.status = status


def bound_of(rate: float) -> int:
    """Below which the last 64 bits of an id are sampled at this rate."""
    return round(rate * (1 << 64))
