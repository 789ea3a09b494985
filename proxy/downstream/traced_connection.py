"""Connections whose requests are traced."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.downstream.observed_connection import ObservedConnection
from proxy.http1.errors import RequestError
from proxy.telemetry.tracing.trace import Trace, UnsampledTrace
from proxy.telemetry.tracing.trace_context import context_headers

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.tracing.trace import RequestTrace
    from proxy.upstream.endpoint import Target


class TracedConnection(ObservedConnection):
    """A client's connection with traces; `sampled` says whether the current request's trace is exported."""

    _request_trace: RequestTrace | None = None
    _client_headers = b""

    def next_request(self) -> Request | None:
        try:
            request = ObservedConnection.next_request(self)
        except RequestError:
            # A malformed request belongs to no trace.
            self._request_trace = None
            self.sampled = False
            raise
        tracer = self.observation.tracer
        if request is None or tracer is None:
            return request
        self._client_headers = request.headers
        self._request_trace = request_trace = tracer.begin(request)
        # So that the router of the last request does not decide about tracing this one.
        self.tally = self.context.tallies.unrouted
        self.sampled = request_trace.sampled
        return request

    @property
    def traced(self) -> RequestTrace | None:  # type: ignore[override]
        """The trace of the current request, if its router, or else the entry point, has tracing enabled."""
        chosen = self.tally.observability
        if chosen is None or chosen.tracing is None:
            return self._request_trace if self.observation.traced else None
        return self._request_trace if chosen.tracing else None

    def forwarded(self, host: bytes) -> bytes:
        if self.target is None:
            self.first_tried_at = monotonic()
        lines = self._base_forwarded(host) + self._lines
        request_trace = self.traced
        if request_trace is None:
            # The client's trace context is forwarded unchanged.
            return lines + context_headers(self._client_headers)
        if isinstance(request_trace, UnsampledTrace):
            return lines + request_trace.context
        return lines + request_trace.header_lines()

    def detailed_trace(self) -> Trace | None:
        chosen = self.tally.observability
        if chosen is None or chosen.trace_verbosity is None:
            detailed = self.observation.detailed
        else:
            detailed = chosen.trace_verbosity == "detailed"
        trace = self.traced if detailed else None
        if not isinstance(trace, Trace):
            return None
        trace.detailed = True
        return trace

    def begin_attempt(self, request: Request, target: Target) -> None:
        trace = self.traced
        if isinstance(trace, Trace):
            self.detailed_trace()
            trace.begin_attempt(target, request)

    def begin_response(self, status: int) -> None:
        trace = self.traced
        if isinstance(trace, Trace):
            trace.begin_response(status)
