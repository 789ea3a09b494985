"""Connections of which more is known than others need: chosen when a connection begins, where a setting asks.

What the exchange leaves on a connection, or asks of it, is also a sign of when it happens. An observed
connection notes the time of these signs, so that the exchange itself has nothing to do for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING

from proxy.downstream.connection import ClientConnection
from proxy.http1.errors import RequestError
from proxy.http1.request import without
from proxy.telemetry.random_ids import RandomIds

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.request import Request
    from proxy.net.stream import Stream
    from proxy.telemetry.completed_request import Observer
    from proxy.telemetry.exposition.exposition import Exposition
    from proxy.telemetry.header_labels import HeaderLabels
    from proxy.telemetry.tracing.tracer import Tracer

_ACCEPT = re.compile(rb"\r\n(?i:accept):[ \t]*([^\r\n]*)")
_REQUEST_ID = re.compile(rb"\r\n(?i:x-request-id):[ \t]*([^\r\n]*)")
_USABLE_ID = re.compile(rb"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Observation:
    """What is asked of an entry point's connections: to give each request an id, to tell values of headers
    apart where requests are counted, to keep the heads of responses, to trace requests, to answer `/metrics`.
    Where a router does not say so itself, its requests are traced if `traced`, and in full if `detailed`.
    """

    request_id: bool = False
    labels: HeaderLabels | None = None
    heads: bool = False
    tracer: Tracer | None = None
    traced: bool = True
    detailed: bool = False
    exposition: Exposition | None = None
    ids: RandomIds = field(default_factory=RandomIds, compare=False)


class ObservedConnection(ClientConnection):
    """A client's connection; `observation` says what is asked of it.

    Of a plain connection, `_read` gives the next request and `_told` the lines that tell a server of the
    client: looked up here, since to find those of a base class costs as much again as to call them.
    """

    observation: Observation
    _read = ClientConnection.next_request
    _told = ClientConnection.forwarded
    # Header lines for the server, beyond those that tell of the client.
    _lines = b""
    # Header lines that are known to name no id.
    _unnamed = b""

    def __init__(
        self,
        stream: Stream,
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
            request = self._read()
            observation = self.observation
            if observation.exposition is not None:
                request = self._without_metrics(request, observation.exposition)
        except RequestError:
            # It is told of with what was no request.
            self.request_id = b""
            raise
        if request is not None:
            if observation.request_id:
                self._identify(request)
            if observation.labels is not None:
                request.kind = observation.labels.kind(request)
        return request

    def _without_metrics(self, request: Request | None, exposition: Exposition) -> Request | None:
        """The request, or the first one after it that does not ask for what is counted."""
        while request is not None and request.target.partition(b"?")[0] == b"/metrics":
            goes_on = self._expose(request, exposition)
            self.refused = False
            request = self._read() if goes_on else None
        return request

    def _expose(self, request: Request, exposition: Exposition) -> bool:
        """Answer with what is counted; whether the connection can take another request."""
        if request.method not in (b"GET", b"HEAD") or request.has_body:
            return self.refuse(request, 405)
        accept = _ACCEPT.search(request.headers)
        scope = b"scope=installation" in request.target.partition(b"?")[2].split(b"&")
        answer = exposition.respond(
            "installation" if scope else "", accept[1].decode("latin-1") if accept else ""
        )
        keep_alive = request.keep_alive and not self.context.draining
        head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: %b\r\n\r\n" % (
            answer.status,
            HTTPStatus(answer.status).phrase.encode(),
            answer.content_type.encode(),
            len(answer.body),
            b"keep-alive" if keep_alive else b"close",
        )
        self.send(head if request.method == b"HEAD" else head + answer.body)
        return keep_alive

    def _identify(self, request: Request) -> None:
        """Take the client's id, or make one."""
        headers = request.headers
        # Clients mostly say again what they have said.
        if headers != self._unnamed:
            given = _REQUEST_ID.findall(headers)
            if len(given) == 1 and _USABLE_ID.fullmatch(given[0].rstrip(b" \t")):
                self.request_id = given[0].rstrip(b" \t")
                self._lines = b""
                return
            if given:
                request.headers = without(headers, b"x-request-id")
            else:
                self._unnamed = headers
        self.request_id = name = self.observation.ids.take()
        self._lines = b"\r\nX-Request-Id: " + name

    def forwarded(self, host: bytes) -> bytes:
        # Asked for last when a server is asked; to match rules on headers, maybe before.
        if self.target is None:
            self.asked_at = monotonic()
        return self._told(host) + self._lines


class HeadKeepingConnection(ObservedConnection):
    """Keeps the heads of responses."""

    def next_request(self) -> Request | None:
        try:
            return super().next_request()
        finally:
            # Also for what is no request.
            self.sent_head = b""
            self.response = None

    @property
    def origin_head(self) -> bytes:  # type: ignore[override]
        # An answer that was not wanted may lie before a refusal.
        return b"" if self.response is None or self.refused else self.response.head

    def send(self, data: bytes) -> None:
        # Of those that begin with 1, only what ends HTTP on the connection is final.
        if not self.sent_head and (data[9:10] != b"1" or data[9:12] == b"101"):
            self.sent_head = data[: data.find(b"\r\n\r\n")]
        super().send(data)
