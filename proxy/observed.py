"""Connections of which more is known than others need: chosen when a connection begins, where a setting asks.

What the exchange leaves on a connection is also a sign of when it happens: that a server is asked, that its
answer has begun. An observed connection notes the time of these signs, so that the exchange itself has
nothing to do for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

from proxy.downstream import Downstream, TrustedDownstream
from proxy.http1.request import without
from proxy.telemetry.tracing.context import context_said

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, Context
    from proxy.http1.request import Request
    from proxy.stream import Stream
    from proxy.telemetry.answered import Witness
    from proxy.telemetry.exposition.answer import Exposition
    from proxy.telemetry.header_labels import HeaderLabels
    from proxy.telemetry.tracing.trace import Trace
    from proxy.telemetry.tracing.tracer import Tracer
    from proxy.upstream.endpoint import Target

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
    # One's own: a process that was forked shares the common one's numbers with its siblings.
    random: Random = field(default_factory=Random, compare=False)


class ObservedDownstream(Downstream):
    """A client's connection; `observation` says what is asked of it."""

    observation: Observation
    _trace: Trace | None
    _said: bytes
    _status: int
    _target: Target | None
    _lines: bytes

    def __init__(
        self,
        stream: Stream,
        peer: str,
        entry_point: str,
        timeouts: ClientTimeouts,
        context: Context,
        port: int,
        lane: int,
        witness: Witness | None,
        observation: Observation,
    ) -> None:
        self.observation = observation
        self._begin()
        super().__init__(stream, peer, entry_point, timeouts, context, port, lane, witness)

    def _begin(self) -> None:
        self.asked_at = 0.0
        self.request_id = b""
        self.sent_head = b""
        self._lines = b""
        self._target = None
        self._request: Request | None = None
        self.refused = False
        self._trace = None

    def next_request(self) -> Request | None:
        request = super().next_request()
        while request is not None and self._exposes(request):
            if not self._expose(request):
                return None
            request = super().next_request()
        if request is None:
            return None
        self._begin()
        self.response = None
        observation = self.observation
        if observation.request_id:
            self._identify(request)
        if observation.labels is not None:
            request.kind = observation.labels.kind(request)
        if observation.tracer is not None:
            self._request = request
            self._said = request.headers
            self._trace = observation.tracer.begin(request)
            # Whether to trace it, the last request's router is not to say.
            self.tally = self.context.tallies.unrouted
        return request

    @property
    def traced(self) -> Trace | None:  # type: ignore[override]
        """Its part of a trace, if its router or else the entry point wants that told."""
        trace = self._trace
        if trace is None:
            return None
        chosen = self.tally.observability
        if chosen is None or chosen.tracing is None:
            return trace if self.observation.traced else None
        return trace if chosen.tracing else None

    def traced_in_detail(self) -> Trace | None:
        chosen = self.tally.observability
        if chosen is None or chosen.trace_verbosity is None:
            detailed = self.observation.detailed
        else:
            detailed = chosen.trace_verbosity == "detailed"
        trace = self.traced if detailed else None
        if trace is None or not trace.sampled:
            return None
        trace.detailed = True
        return trace

    def _exposes(self, request: Request) -> bool:
        return self.observation.exposition is not None and request.target.partition(b"?")[0] == b"/metrics"

    def _expose(self, request: Request) -> bool:
        """Answer with what is counted; whether the connection can take another request."""
        exposition = self.observation.exposition
        if exposition is None or request.method not in (b"GET", b"HEAD") or request.has_body:
            return self.refuse(request, 405)
        accept = _ACCEPT.search(request.headers)
        scope = b"scope=installation" in request.target.partition(b"?")[2].split(b"&")
        answer = exposition.answer(
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
        given = _REQUEST_ID.findall(request.headers)
        if len(given) == 1 and _USABLE_ID.fullmatch(given[0].rstrip(b" \t")):
            self.request_id = given[0].rstrip(b" \t")
            return
        if given:
            request.headers = without(request.headers, b"x-request-id")
        self.request_id = b"%032x" % self.observation.random.getrandbits(128)
        self._lines += b"\r\nX-Request-Id: " + self.request_id

    def forwarded(self, host: bytes) -> bytes:
        lines = super().forwarded(host) + self._lines
        if self._trace is None:
            return lines
        traced = self.traced
        # What is not traced is passed on as it came.
        return lines + (context_said(self._said) if traced is None else traced.lines())

    @property
    def target(self) -> Target | None:
        return self._target

    @target.setter
    def target(self, target: Target | None) -> None:
        self._target = target
        if target is None:
            return
        if not self.asked_at:
            self.asked_at = monotonic()
        traced = self.traced
        if traced is not None and self._request is not None:
            self.traced_in_detail()
            traced.asked(target, self._request)

    @property
    def status(self) -> int:
        return self._status

    @status.setter
    def status(self, status: int) -> None:
        self._status = status
        if self._target is not None and not self.refused and (traced := self.traced) is not None:
            traced.answered(status)

    def refuse(self, request: Request, status: int, reason: str = "", *, body_read: bool = False) -> bool:
        # Before the status is set, which else would be taken for a server's.
        self.refused = True
        return super().refuse(request, status, reason, body_read=body_read)

    @property
    def origin_head(self) -> bytes:  # type: ignore[override]
        return b"" if self.response is None else self.response.head

    def send(self, data: bytes) -> None:
        if self.observation.heads and not self.sent_head and not data.startswith(b"HTTP/1.1 1"):
            self.sent_head = data[: data.find(b"\r\n\r\n")]
        super().send(data)


class ObservedTrustedDownstream(ObservedDownstream, TrustedDownstream):
    """The connection of a proxy that may say which clients it speaks for."""
