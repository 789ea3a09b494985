"""Connections whose requests get ids: a request id, a trace, or both."""

from __future__ import annotations

import re
from time import monotonic
from typing import TYPE_CHECKING

from proxy.downstream.observed_connection import ObservedConnection
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import without
from proxy.telemetry import drawn_ids
from proxy.telemetry.tracing.trace import Trace, new_unsampled_trace
from proxy.telemetry.tracing.trace_context import context_headers

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.downstream.observed_connection import Observation
    from proxy.http1.request import Request
    from proxy.net.client_stream import ClientStream
    from proxy.telemetry.completed_request import Observer
    from proxy.telemetry.tracing.trace import RequestTrace
    from proxy.upstream.endpoint import Target

_REQUEST_ID = re.compile(rb"\r\n(?i:x-request-id):[ \t]*([^\r\n]*)")
_USABLE_ID = re.compile(rb"[!-~]{1,128}")


class IdentifiedConnection(ObservedConnection):
    """A client's connection that gives each request its ids.

    Most requests bring no ids, and take drawn ones, as header lines (`own_ids`). Unless such a request is
    sampled or its router has settings of its own, it has no further work.
    """

    # Values of all other requests: an id with its header line, a trace, and the client's context.
    _request_id = _request_id_line = b""
    _request_trace: RequestTrace | None = None
    _client_context = b""
    # Header lines that are known to hold no ids.
    _headers_without_ids = b""

    def __init__(
        self,
        stream: ClientStream,
        peer: str,
        entry_point: str,
        timeouts: ClientTimeouts,
        context: WorkerContext,
        port: int,
        label_set: int,
        observer: Observer | None,
        observation: Observation,
    ) -> None:
        super().__init__(stream, peer, entry_point, timeouts, context, port, label_set, observer, observation)
        self._ids_drawn = observation.drawn
        self._ids_left = observation.drawn.left

    def next_request(self) -> Request | None:
        try:
            request = self._next_unidentified()
        except RequestError:
            # The log entry of the malformed request must not show the ids of the last request.
            self._forget()
            raise
        if request is None:
            return None
        lines = self._ids_left.pop()
        if lines and request.headers == self._headers_without_ids:
            self.own_ids = lines
            self.sampled = False
        else:
            self._identify(request, lines or self._ids_drawn.take_rare())
        # So that the router of the last request does not decide about tracing this one.
        self.tally = self.context.tallies.unrouted
        return request

    def _forget(self) -> None:
        self.own_ids = self._request_id = self._request_id_line = self._client_context = b""
        self._request_trace = None
        self.sampled = False

    def _identify(self, request: Request, lines: bytes) -> None:
        """Use the client's ids, or the drawn ones in `lines`."""
        observation = self.observation
        if self._ids_drawn.given.search(request.headers) is None and observation.traced:
            self._headers_without_ids = request.headers
            self.own_ids = lines
            self.sampled = drawn_ids.is_sampled(lines)
            if not self.sampled:
                return
        else:
            self._forget()
        if observation.request_id:
            self._set_request_id(request, lines)
        if observation.tracer is not None:
            self._client_context = context_headers(request.headers)
            self._request_trace = observation.tracer.begin(request, lines)
            self.sampled = self._request_trace.sampled

    def _set_request_id(self, request: Request, lines: bytes) -> None:
        given = _REQUEST_ID.findall(request.headers)
        if len(given) == 1 and _USABLE_ID.fullmatch(given[0].rstrip(b" \t")):
            self._request_id = given[0].rstrip(b" \t")
            return
        if given:
            request.headers = without(request.headers, b"x-request-id")
        self._request_id = drawn_ids.request_id(lines)
        self._request_id_line = drawn_ids.request_id_line(lines)

    @property
    def request_id(self) -> bytes:  # type: ignore[override]
        return drawn_ids.request_id(self.own_ids) if self.own_ids else self._request_id

    @property
    def traced(self) -> RequestTrace | None:  # type: ignore[override]
        """The trace of the current request, if its router, or else the entry point, has tracing enabled."""
        observation = self.observation
        chosen = self.tally.observability
        wanted = observation.traced if chosen is None or chosen.tracing is None else chosen.tracing
        if not wanted or observation.tracer is None:
            return None
        if self.own_ids and not self.sampled:
            return new_unsampled_trace(self.own_ids)
        return self._request_trace

    def forwarded(self, host: bytes) -> bytes:
        if self.target is None:
            self.first_tried_at = monotonic()
        own_ids = self.own_ids
        if own_ids and not self.sampled and self.tally.observability is None:
            return self._base_forwarded(host) + own_ids
        lines = self._base_forwarded(host)
        lines += drawn_ids.request_id_line(own_ids) if own_ids else self._request_id_line
        trace = self.traced
        # Without a trace of ours, the client's trace context is forwarded unchanged.
        return lines + (self._client_context if trace is None else trace.header_lines())

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
