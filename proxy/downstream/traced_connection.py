"""Connections whose requests are traced; a sampled request needs a class of its own."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from proxy.downstream.observed_connection import ObservedConnection
from proxy.http1.errors import RequestError
from proxy.telemetry.tracing.trace import Trace, UnsampledTrace
from proxy.telemetry.tracing.trace_context import context_headers

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.tracing.trace import RequestTrace


class TracedConnection(ObservedConnection):
    """A client's connection with traces; it changes to the class `sampled_class` during a sampled request.

    Most requests are not sampled, and so do not pay for the notes that sampled requests need.
    """

    sampled_class: ClassVar[type[SampledConnection]]
    _request_trace: RequestTrace | None = None
    _client_headers = b""

    def next_request(self) -> Request | None:
        try:
            request = ObservedConnection.next_request(self)
        except RequestError:
            # A malformed request belongs to no trace.
            self._request_trace = None
            raise
        tracer = self.observation.tracer
        if request is None or tracer is None:
            return request
        self._client_headers = request.headers
        self._request_trace = request_trace = tracer.begin(request)
        # So that the router of the last request does not decide about tracing this one.
        self.tally = self.context.tallies.unrouted
        if request_trace.sampled:
            self.__class__ = self.sampled_class
            self.request = request
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


class SampledConnection(TracedConnection):
    """Notes the beginning of attempts and responses when the exchange sets `target` and `response`.

    With the next request it changes back to the class `unsampled_class`.
    """

    unsampled_class: ClassVar[type[TracedConnection]]
    request: Request
    sampled = True

    def next_request(self) -> Request | None:
        self.__class__ = self.unsampled_class  # type: ignore[assignment]
        return self.next_request()

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

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "target":
            trace = self.traced
            if isinstance(trace, Trace) and self.target is not None:
                self.detailed_trace()
                trace.begin_attempt(self.target, self.request)
        elif name == "response" and self.response is not None:
            # Also a response whose status is retried, after which another attempt follows.
            trace = self.traced
            if isinstance(trace, Trace):
                trace.begin_response(self.response.status)
