"""One request's part of a trace, as it is noted while the request is answered."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from msgspec import Struct

from proxy.telemetry.tracing.trace_context import context_lines

if TYPE_CHECKING:
    from random import Random

    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


class Attempt:
    """A request to a server; times in Unix nanoseconds, `status` and `answered` are 0 without an answer."""

    __slots__ = ("answered", "begin_attempt", "method", "path", "span", "status", "target")

    def __init__(self, span: int, target: Target, method: bytes, path: bytes) -> None:
        self.span = span
        self.target = target
        self.method = method
        self.path = path
        self.begin_attempt = time_ns()
        self.answered = 0
        self.status = 0


class StepSpan(NamedTuple):
    """A middleware that the request went through; times in Unix nanoseconds."""

    name: str
    kind: str
    began: int
    ended: int


class UnsampledTrace(Struct, frozen=True, gc=False):
    """A request of which no collector is told; `context` are the header lines that tell servers so.

    It has one span for itself and for the servers asked, since nobody sees any of them.
    """

    sampled: ClassVar[bool] = False

    context: bytes

    def ids(self) -> tuple[str, str]:
        """The ids of the trace and of the span, in hexadecimal."""
        text = self.context.decode()
        return text[18:50], text[51:67]

    def header_lines(self) -> bytes:
        """Header lines for the next server that is asked."""
        return self.context


class Trace:
    """`span` is the entry point's, `parent` what it was sent in (0: none); each server asked has one too.

    Where it is `detailed`, the router, what was `passed` on the way, and the service have spans besides.
    """

    __slots__ = (
        *("_next", "_random", "attempts", "began", "detailed", "parent", "steps", "span", "state"),
        "trace",
    )

    sampled = True

    def __init__(self, trace: int, span: int, random: Random, *, parent: int = 0, state: bytes = b"") -> None:
        self.began = time_ns()
        self.trace = trace
        self.span = span
        self.parent = parent
        self.state = state
        self.attempts: list[Attempt] = []
        self.detailed = False
        self.steps: list[StepSpan] = []
        self._random = random
        self._next = 0

    def ids(self) -> tuple[str, str]:
        """The ids of the trace and of the span, in hexadecimal."""
        return f"{self.trace:032x}", f"{self.span:016x}"

    def new_span(self) -> int:
        return self._random.getrandbits(64) or 1

    def header_lines(self) -> bytes:
        """Header lines for the next server that is asked."""
        self._next = self.new_span()
        return context_lines(self.trace, self._next, True, self.state)

    def begin_attempt(self, target: Target, request: Request) -> None:
        """The server that these lines were for is asked now."""
        self.attempts.append(Attempt(self._next, target, request.method, request.target))

    def answered(self, status: int) -> None:
        """Its answer has begun."""
        if self.attempts:
            attempt = self.attempts[-1]
            attempt.answered = time_ns()
            attempt.status = status


RequestTrace = Trace | UnsampledTrace


def sampling_bound(rate: float) -> bytes:
    """Below which the last 16 digits of an id are sampled at this rate."""
    bound = round(rate * (1 << 64))
    # At 1, what comes after every digit.
    return b"%016x" % bound if bound < 1 << 64 else b"g"
