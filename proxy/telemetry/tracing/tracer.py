"""Begins the traces of requests, and keeps the sampled ones until they are exported."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from proxy.telemetry.drawn_ids import sampling_bound
from proxy.telemetry.tracing.trace import RequestTrace, Trace, new_trace, unsampled_trace
from proxy.telemetry.tracing.trace_context import has_context, parse_parent, remove_context
from proxy.telemetry.tracing.traced_request import TracedRequest

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import CompletedRequest, Observer
    from rondpoint.settings import Tracing

MAX_REQUESTS = 10_000
"""Requests kept for export; further ones are dropped and counted in `dropped`."""

MAX_BYTES = 64 << 20
"""Bytes of heads kept for export: clients choose how long theirs are."""


class Tracer:
    """An observer of completed requests; `take` returns the sampled ones for export."""

    def __init__(self, options: Tracing) -> None:
        # The rule of OpenTelemetry's TraceIdRatioBased, so that all samplers of that rule agree.
        self.bound = sampling_bound(options.sample_rate)
        self._needs_response_heads = bool(options.captured_response_headers)
        self._completed: list[TracedRequest] = []
        self._bytes = 0
        self.dropped = 0
        # Not the module's generator: forked workers would all draw the same numbers from it.
        self._random = Random()  # noqa: S311 (names, not secrets)

    @property
    def needs_response_heads(self) -> bool:
        """Whether connections must keep response heads."""
        return self._needs_response_heads

    def begin(self, request: Request, lines: bytes) -> RequestTrace:
        """Continue the client's trace, or begin one with the drawn ids in `lines`.

        The request's headers lose their trace context.
        """
        headers = request.headers
        if has_context(headers):
            request.headers = remove_context(headers)
            parent = parse_parent(headers)
            if parent is not None:
                span = self._random.getrandbits(64) or 1
                if not parent.sampled:
                    return unsampled_trace(parent, span)
                return Trace(parent.trace, span, self._random, parent=parent.span, state=parent.state)
        return new_trace(lines, self._random)

    def add(
        self, completed: CompletedRequest, request: Request, started: float, seconds: float, number: int
    ) -> None:
        if not completed.sampled:
            return
        trace = completed.traced
        if not isinstance(trace, Trace):
            return
        if len(self._completed) >= MAX_REQUESTS or self._bytes >= MAX_BYTES:
            self.dropped += 1
            return
        traced = TracedRequest(
            trace,
            int(seconds * 1e9),
            completed.entry_point,
            completed.tls,
            completed.peer,
            completed.port,
            completed.tally.router,
            completed.tally.service,
            completed.status,
            request.method,
            request.target,
            request.host,
            request.version,
            request.headers,
            0 if completed.body is None else completed.body.received,
            completed.sent_head if self._needs_response_heads else b"",
            completed.origin_head if self._needs_response_heads else b"",
            completed.grpc_status,
        )
        self._completed.append(traced)
        self._bytes += traced.size

    def add_malformed(self, completed: CompletedRequest, status: int, number: int) -> None:
        """Ignore it: it belongs to no trace."""

    def take(self, most: int) -> list[TracedRequest]:
        """Remove and return up to `most` of the oldest requests."""
        taken, self._completed = self._completed[:most], self._completed[most:]
        self._bytes -= sum(traced.size for traced in taken)
        return taken

    def __len__(self) -> int:
        return len(self._completed)


class LogAndTraceObserver:
    """An observer that passes all requests to the access log and sampled ones to the tracer."""

    def __init__(self, log: Observer, tracer: Tracer) -> None:
        self._log = log
        self._tracer = tracer

    def add(
        self, completed: CompletedRequest, request: Request, started: float, seconds: float, number: int
    ) -> None:
        self._log.add(completed, request, started, seconds, number)
        if completed.sampled:
            self._tracer.add(completed, request, started, seconds, number)

    def add_malformed(self, completed: CompletedRequest, status: int, number: int) -> None:
        self._log.add_malformed(completed, status, number)
