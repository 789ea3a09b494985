"""Connections with additional observations, used if a setting needs them; chosen when a connection begins.

The exchange sets attributes of a connection and calls its methods. An observed connection notes the time of
these events, so that the exchange itself has no work for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from proxy.downstream.client_side import ClientSide
from proxy.exchange.internal_routes import NO_ROUTES, InternalRoutes, respond_internally
from proxy.telemetry.drawn_ids import DrawnIds

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.request import Request
    from proxy.net.client_stream import ClientStream
    from proxy.telemetry.completed_request import Observer
    from proxy.telemetry.header_labels import HeaderLabels
    from proxy.telemetry.tracing.tracer import Tracer


@dataclass(frozen=True, slots=True)
class Observation:
    """The observations that the connections of an entry point make.

    `request_id`: give each request an id. `labels`: count requests by values of headers. `heads`: keep the
    heads of responses. `tracer`: trace requests. `internal`: respond to these requests before all routers.
    `drawn`: new ids of these kinds.
    Requests of routers without own settings are traced if `traced`, and in full if `detailed`.
    """

    request_id: bool = False
    labels: HeaderLabels | None = None
    heads: bool = False
    tracer: Tracer | None = None
    traced: bool = True
    detailed: bool = False
    internal: InternalRoutes = NO_ROUTES
    drawn: DrawnIds = field(default_factory=partial(DrawnIds, request_ids=False), compare=False)

    @property
    def identifies(self) -> bool:
        """Whether requests get ids."""
        return self.request_id or self.tracer is not None

    @property
    def examines(self) -> bool:
        """Whether requests are examined before they are routed."""
        return self.labels is not None or bool(self.internal)


class ObservedConnection(ClientSide):
    """A client's connection with the given `observation`; it notes when a server is first tried.

    `_base_next_request` and `_base_forwarded` are the methods of the unobserved class. They are attributes of
    the class, because a lookup through `super()` would double the cost of the call. `_next_unidentified` is
    the `next_request` of the classes below `IdentifiedConnection`.
    """

    observation: Observation
    if TYPE_CHECKING:
        _base_next_request = ClientSide.next_request
        _base_forwarded = ClientSide.forwarded
        _next_unidentified = ClientSide.next_request

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

    def forwarded(self, host: bytes) -> bytes:
        # The last call comes when the request goes to a server; rules on headers may call it before.
        if self.target is None:
            self.first_tried_at = monotonic()
        return self._base_forwarded(host)


class ExaminingConnection(ObservedConnection):
    """An observed connection that examines requests: for internal routes, and for header labels."""

    def next_request(self) -> Request | None:
        observation = self.observation
        request = self._base_next_request()
        if observation.internal:
            request = self._without_internal(request, observation.internal)
        if request is not None and observation.labels is not None:
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
