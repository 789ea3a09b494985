"""One request's part of a trace, as it is noted while the request is answered."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, NamedTuple

from proxy.telemetry.tracing.context import Parent, context_lines

if TYPE_CHECKING:
    from random import Random

    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


class Attempt:
    """A request to a server; times in Unix nanoseconds, `status` and `answered` are 0 without an answer."""

    __slots__ = ("answered", "asked", "method", "path", "span", "status", "target")

    def __init__(self, span: int, target: Target, method: bytes, path: bytes) -> None:
        self.span = span
        self.target = target
        self.method = method
        self.path = path
        self.asked = time_ns()
        self.answered = 0
        self.status = 0


class Passed(NamedTuple):
    """A middleware that the request went through; times in Unix nanoseconds."""

    name: str
    kind: str
    began: int
    ended: int


class Trace:
    """`span` is the entry point's, `parent` what it was sent in (0: none); each server asked has one too.

    Where it is `detailed`, the router, what was `passed` on the way, and the service have spans besides.
    """

    __slots__ = (
        *("_next", "_random", "attempts", "began", "detailed", "parent", "passed", "sampled", "span"),
        *("state", "trace"),
    )

    def __init__(self, parent: Parent | None, bound: int, random: Random) -> None:
        """Goes on in the trace of `parent`, or begins one; `bound` is what decides whether to sample that."""
        self.began = time_ns()
        self.span = random.getrandbits(64) or 1
        if parent is None:
            self.trace = random.getrandbits(128) or 1
            self.parent = 0
            # As OpenTelemetry's TraceIdRatioBased decides, so that all who do agree.
            self.sampled = self.trace & _SIXTY_FOUR_BITS < bound
            self.state = b""
        else:
            self.trace = parent.trace
            self.parent = parent.span
            self.sampled = parent.sampled
            self.state = parent.state
        self.attempts: list[Attempt] = []
        self.detailed = False
        self.passed: list[Passed] = []
        self._random = random
        self._next = 0

    @property
    def trace_id(self) -> str:
        """In hexadecimal."""
        return f"{self.trace:032x}"

    @property
    def span_id(self) -> str:
        """In hexadecimal."""
        return f"{self.span:016x}"

    def new_span(self) -> int:
        return self._random.getrandbits(64) or 1

    def lines(self) -> bytes:
        """Header lines for the next server that is asked."""
        self._next = self.new_span()
        return context_lines(self.trace, self._next, self.sampled, self.state)

    def asked(self, target: Target, request: Request) -> None:
        """The server that these lines were for is asked now."""
        if self.sampled:
            self.attempts.append(Attempt(self._next, target, request.method, request.target))

    def answered(self, status: int) -> None:
        """Its answer has begun."""
        if self.attempts:
            attempt = self.attempts[-1]
            attempt.answered = time_ns()
            attempt.status = status


_SIXTY_FOUR_BITS = (1 << 64) - 1


def bound_of(rate: float) -> int:
    """Below which the last 64 bits of an id are sampled at this rate."""
    return round(rate * (1 << 64))
