"""Begins traces, and keeps those that are sampled until a collector is told of them."""

from __future__ import annotations

from random import Random
from time import time_ns
from typing import TYPE_CHECKING

from proxy.telemetry.random_ids import draw_ids
from proxy.telemetry.tracing.trace import RequestTrace, Trace, UnsampledTrace, sampling_bound
from proxy.telemetry.tracing.trace_context import context_lines, has_context, parse_parent, remove_context
from proxy.telemetry.tracing.traced_request import TracedRequest

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import CompletedRequest, Observer
    from rondpoint.settings import Tracing

MAX_REQUESTS = 10_000
"""Requests kept that no collector has been told of; what comes beyond is counted in `dropped`."""

MAX_BYTES = 64 << 20
"""Of what these requests and their answers have said: clients choose how much that is."""

MAX_CACHED = 500
"""Sets of header lines that are known to say nothing of a trace."""


class Tracer:
    """Told of each answered request; `take` gives what is to be told on."""

    def __init__(self, options: Tracing) -> None:
        # As OpenTelemetry's TraceIdRatioBased decides, so that all who do agree.
        self._bound = sampling_bound(options.sample_rate)
        self._needs_response_heads = bool(options.captured_response_headers)
        self._finished: list[TracedRequest] = []
        self._bytes = 0
        self.dropped = 0
        self._without_context: set[bytes] = set()
        self._prepared: list[RequestTrace] = []
        # One's own: a process that was forked shares the common one's numbers with its siblings.
        self._random = Random()  # noqa: S311 (names, not secrets)

    @property
    def needs_response_heads(self) -> bool:
        """Whether heads of responses are to be kept."""
        return self._needs_response_heads

    def begin(self, request: Request) -> RequestTrace:
        """The request's part of its trace, or of a new one; what its head says of that is taken out."""
        headers = request.headers
        if headers not in self._without_context:
            if has_context(headers):
                return self._continue_trace(request)
            # Much the same is said again, and need not be looked at again.
            if len(self._without_context) >= MAX_CACHED:
                self._without_context.clear()
            self._without_context.add(headers)
        if not self._prepared:
            self._draw()
        part = self._prepared.pop()
        if isinstance(part, Trace):
            part.began = time_ns()
        return part

    def _draw(self) -> None:
        """Draw the ids of traces that begin here, which decide whether they are sampled."""
        ids, bound, drawn_now = draw_ids(self._random, 48), self._bound, self._prepared
        for at in range(0, len(ids), 48):
            trace, span = ids[at : at + 32], ids[at + 32 : at + 48]
            if trace[16:] < bound:
                drawn_now.append(Trace(int(trace, 16), int(span, 16), self._random))
            else:
                drawn_now.append(UnsampledTrace(b"\r\ntraceparent: 00-" + trace + b"-" + span + b"-00"))

    def _continue_trace(self, request: Request) -> RequestTrace:
        headers = request.headers
        request.headers = remove_context(headers)
        parent = parse_parent(headers)
        if parent is None:
            return self.begin(request)
        span = self._random.getrandbits(64) or 1
        if not parent.sampled:
            return UnsampledTrace(context_lines(parent.trace, span, False, parent.state))
        return Trace(parent.trace, span, self._random, parent=parent.span, state=parent.state)

    def add(self, answered: CompletedRequest, request: Request, seconds: float, number: int) -> None:
        if not answered.sampled:
            return
        trace = answered.traced
        if not isinstance(trace, Trace):
            return
        if len(self._finished) >= MAX_REQUESTS or self._bytes >= MAX_BYTES:
            self.dropped += 1
            return
        finished = TracedRequest(
            trace,
            int(seconds * 1e9),
            answered.entry_point,
            answered.tls,
            answered.peer,
            answered.port,
            answered.tally.router,
            answered.tally.service,
            answered.status,
            request.method,
            request.target,
            request.host,
            request.version,
            request.headers,
            0 if answered.body is None else answered.body.received,
            answered.sent_head if self._needs_response_heads else b"",
            answered.origin_head if self._needs_response_heads else b"",
        )
        self._finished.append(finished)
        self._bytes += finished.size

    def add_malformed(self, answered: CompletedRequest, status: int, number: int) -> None:
        """It belongs to no trace."""

    def take(self, most: int) -> list[TracedRequest]:
        """The oldest of what was kept, which is kept no more."""
        taken, self._finished = self._finished[:most], self._finished[most:]
        self._bytes -= sum(finished.size for finished in taken)
        return taken

    def __len__(self) -> int:
        return len(self._finished)


class LogAndTraceObserver:
    """Tells the access log of all requests, and the tracer of those that are sampled."""

    def __init__(self, log: Observer, tracer: Tracer) -> None:
        self._log = log
        self._tracer = tracer

    def add(self, answered: CompletedRequest, request: Request, seconds: float, number: int) -> None:
        self._log.add(answered, request, seconds, number)
        if answered.sampled:
            self._tracer.add(answered, request, seconds, number)

    def add_malformed(self, answered: CompletedRequest, status: int, number: int) -> None:
        self._log.add_malformed(answered, status, number)
