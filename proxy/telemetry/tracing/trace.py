"""The trace of one request, recorded while the request is served."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from msgspec import Struct

from proxy.telemetry.drawn_ids import is_sampled, trace_context, trace_ids
from proxy.telemetry.tracing.trace_context import Parent, context_lines

if TYPE_CHECKING:
    from random import Random

    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


class Attempt:
    """One attempt at a server.

    `sent` and `responded` are in Unix nanoseconds; `responded` and `status` are 0 without a response.
    """

    __slots__ = ("method", "path", "responded", "sent", "span", "status", "target")

    def __init__(self, span: int, target: Target, method: bytes, path: bytes) -> None:
        self.span = span
        self.target = target
        self.method = method
        self.path = path
        self.sent = time_ns()
        self.responded = 0
        self.status = 0


class StepSpan(NamedTuple):
    """The time that a middleware worked on the request; times in Unix nanoseconds."""

    name: str
    kind: str
    began: int
    ended: int


class UnsampledTrace(Struct, frozen=True, gc=False):
    """The trace of a request that is not exported; `context` holds the header lines for its servers.

    `ids` are trace id and span id in hexadecimal, with a hyphen between them. The request and its attempts
    share one span id, because no span is exported.
    """

    sampled: ClassVar[bool] = False

    context: bytes
    ids: bytes

    def header_lines(self) -> bytes:
        """Return the trace context header lines for the next attempt."""
        return self.context


class Trace:
    """The trace of a sampled request.

    `span` is the entry point's span id, `parent` the client's (0: none); each attempt has a span of its own.
    If the trace is `detailed`, the router, the middlewares (`steps`) and the service have spans too.
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

    @property
    def ids(self) -> bytes:
        """The trace id and the span id in hexadecimal, with a hyphen between them."""
        return b"%032x-%016x" % (self.trace, self.span)

    def new_span(self) -> int:
        return self._random.getrandbits(64) or 1

    def header_lines(self) -> bytes:
        """Return the trace context header lines for the next attempt."""
        self._next = self.new_span()
        return context_lines(self.trace, self._next, True, self.state)

    def begin_attempt(self, target: Target, request: Request) -> None:
        """Record an attempt; its span is the one of the last `header_lines`."""
        self.attempts.append(Attempt(self._next, target, request.method, request.target))

    def begin_response(self, status: int) -> None:
        """Record that the last attempt's response has begun."""
        if self.attempts:
            attempt = self.attempts[-1]
            attempt.responded = time_ns()
            attempt.status = status


RequestTrace = Trace | UnsampledTrace


def new_trace(lines: bytes, random: Random) -> RequestTrace:
    """Return a new trace with drawn ids."""
    if not is_sampled(lines):
        return new_unsampled_trace(lines)
    trace, span = trace_ids(lines).split(b"-")
    return Trace(int(trace, 16), int(span, 16), random)


def new_unsampled_trace(lines: bytes) -> UnsampledTrace:
    """Return a new trace with drawn ids that is not exported."""
    return UnsampledTrace(trace_context(lines), trace_ids(lines))


def unsampled_trace(parent: Parent, span: int) -> UnsampledTrace:
    """Return the trace of a span that continues the client's trace."""
    context = context_lines(parent.trace, span, False, parent.state)
    return UnsampledTrace(context, context[18:67])
