"""Connections whose requests are parts of traces, and what it takes more while one of them is sampled."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from proxy.downstream.observed_connection import ObservedConnection
from proxy.http1.errors import RequestError
from proxy.telemetry.tracing.trace import Trace
from proxy.telemetry.tracing.trace_context import context_headers

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.tracing.trace import RequestTrace


class TracedConnection(ObservedConnection):
    """A client's connection; it is of the class `of_sampled` while a request is answered that is sampled.

    Most are not, and need not pay for what is noted of those that are.
    """

    of_sampled: ClassVar[type[SampledConnection]]
    _part: RequestTrace | None = None
    _said = b""

    def next_request(self) -> Request | None:
        try:
            request = ObservedConnection.next_request(self)
        except RequestError:
            # It belongs to no trace.
            self._part = None
            raise
        tracer = self.observation.tracer
        if request is None or tracer is None:
            return request
        self._said = request.headers
        self._part = part = tracer.begin(request)
        # Whether to trace it, the last request's router is not to say.
        self.tally = self.context.tallies.unrouted
        if part.sampled:
            self.__class__ = self.of_sampled
            self.request = request
        return request

    @property
    def traced(self) -> RequestTrace | None:  # type: ignore[override]
        """Its part of a trace, if its router or else the entry point wants that told."""
        chosen = self.tally.observability
        if chosen is None or chosen.tracing is None:
            return self._part if self.observation.traced else None
        return self._part if chosen.tracing else None

    def forwarded(self, host: bytes) -> bytes:
        if self.target is None:
            self.asked_at = monotonic()
        lines = self._told(host) + self._lines
        part = self._part
        if part is None or self.traced is None:
            # It is passed on as it came.
            return lines + context_headers(self._said)
        return lines + part.header_lines()


class SampledConnection(TracedConnection):
    """Notes when servers are asked and their answers begin, by what the exchange leaves on the connection.

    With the next request it is of the class `of_others` again.
    """

    of_others: ClassVar[type[TracedConnection]]
    request: Request
    sampled = True

    def next_request(self) -> Request | None:
        self.__class__ = self.of_others  # type: ignore[assignment]
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
            # Also one that is not wanted, after which another server is asked.
            trace = self.traced
            if isinstance(trace, Trace):
                trace.begin_response(self.response.status)
