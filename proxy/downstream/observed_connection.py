"""Connections with additional observations, used if a setting needs them; chosen when a connection begins.

The exchange sets attributes of a connection and calls its methods. An observed connection notes the time of
these events, so that the exchange itself has no work for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from proxy.downstream.client_side import ClientSide
from proxy.exchange.internal_routes import NO_ROUTES, InternalRoutes, respond_internally
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import without
from proxy.telemetry.random_ids import RandomIds

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.request import Request
    from proxy.net.client_stream import ClientStream
    from proxy.telemetry.completed_request import Observer
    from proxy.telemetry.header_labels import HeaderLabels
    from proxy.telemetry.tracing.tracer import Tracer

_REQUEST_ID = re.compile(rb"\r\n(?i:x-request-id):[ \t]*([^\r\n]*)")
_USABLE_ID = re.compile(rb"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Observation:
    """The observations that the connections of an entry point make.

    `request_id`: give each request an id. `labels`: count requests by values of headers. `heads`: keep the
    heads of responses. `tracer`: trace requests. `internal`: respond to these requests before all routers.
    Requests of routers without own settings are traced if `traced`, and in full if `detailed`.
    """

    request_id: bool = False
    labels: HeaderLabels | None = None
    heads: bool = False
    tracer: Tracer | None = None
    traced: bool = True
    detailed: bool = False
    internal: InternalRoutes = NO_ROUTES
    ids: RandomIds = field(default_factory=RandomIds, compare=False)


class ObservedConnection(ClientSide):
    """A client's connection with the given `observation`.

    `_base_next_request` and `_base_forwarded` are the methods of the unobserved class. They are attributes of
    the class, because a lookup through `super()` would double the cost of the call.
    """

    observation: Observation
    if TYPE_CHECKING:
        _base_next_request = ClientSide.next_request
        _base_forwarded = ClientSide.forwarded
    # Header lines for the server besides those that describe the client.
    _lines = b""
    # Header lines that are known to hold no request id.
    _headers_without_id = b""

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
        super().__init__(stream, peer, entry_point, timeouts, context, port, label_set, observer)
        self.observation = observation

    def next_request(self) -> Request | None:
        try:
            request = self._base_next_request()
            observation = self.observation
            if observation.internal:
                request = self._without_internal(request, observation.internal)
        except RequestError:
            # The log entry of the malformed request must not show the id of the last request.
            self.request_id = b""
            raise
        if request is not None:
            if observation.request_id:
                self._set_request_id(request)
            if observation.labels is not None:
                request.kind = observation.labels.kind(request)
        return request

    def _without_internal(self, request: Request | None, routes: InternalRoutes) -> Request | None:
        """Respond to requests for internal routes, and return the first other request."""
        while request is not None:
            match = routes.find(request)
            if match is None:
                break
            goes_on = respond_internally(self, request, match)
            request = self._base_next_request() if goes_on else None
        return request

    def _set_request_id(self, request: Request) -> None:
        """Use the client's request id, or create one."""
        headers = request.headers
        # Most requests repeat the header lines of the last one.
        if headers != self._headers_without_id:
            given = _REQUEST_ID.findall(headers)
            if len(given) == 1 and _USABLE_ID.fullmatch(given[0].rstrip(b" \t")):
                self.request_id = given[0].rstrip(b" \t")
                self._lines = b""
                return
            if given:
                request.headers = without(headers, b"x-request-id")
            else:
                self._headers_without_id = headers
        ids = self.observation.ids
        self.request_id = name = ids.left.pop() if ids.left else ids.take()
        self._lines = b"\r\nX-Request-Id: " + name

    def forwarded(self, host: bytes) -> bytes:
        # The last call comes when the request goes to a server; rules on headers may call it before.
        if self.target is None:
            self.first_tried_at = monotonic()
        return self._base_forwarded(host) + self._lines


class HeadKeepingConnection(ObservedConnection):
    """An observed connection that keeps the heads of responses."""

    def next_request(self) -> Request | None:
        try:
            return super().next_request()
        finally:
            # Also after a malformed request.
            self.sent_head = b""
            self.response = None

    @property
    def origin_head(self) -> bytes:  # type: ignore[override]
        # Before a refusal there may have been a response whose status a retry middleware retried.
        return b"" if self.response is None or self.refused else self.response.head

    def send_head(
        self,
        request: Request,
        head: bytes,
        length: int,
        request_read: bool,
        content: bytes,
        trailers: bytes | None = None,
    ) -> None:
        self.sent_head = head
        super().send_head(request, head, length, request_read, content, trailers)

    def switch_protocols(self, head: bytes, protocol: bytes, content: bytes) -> None:
        self.sent_head = head
        super().switch_protocols(head, protocol, content)
