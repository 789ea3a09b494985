"""Makes the OTLP spans of completed requests: one at the entry point, and one for each server tried.

Attributes follow OpenTelemetry's semantic conventions for HTTP, with Traefik's own in addition. The code uses
the protocol's classes directly: a span made by the SDK costs several times as much as a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from proxy.http1.grpc_status import NO_GRPC_STATUS
from proxy.telemetry.escaping import as_text
from proxy.telemetry.tallies import METHODS
from proxy.telemetry.tracing.detail_spans import make_detail_spans
from proxy.telemetry.tracing.otlp_values import Value, make_span
from rondpoint.grpc_statuses import status_name

if TYPE_CHECKING:
    from proxy.telemetry.tracing.trace import Attempt
    from proxy.telemetry.tracing.traced_request import TracedRequest
    from rondpoint.settings import Tracing

REDACTED = "REDACTED"
# OpenTelemetry writes 2 where logs have 2.0.
_VERSIONS = ("1.0", "1.1", "2")
# UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: OpenTelemetry's conventions
# count these as failures of the server, and others as the client's.
_GRPC_FAILURES = frozenset((2, 4, 12, 13, 14, 15))
_USER_AGENT = re.compile(rb"\r\n(?i:user-agent):[ \t]*([^\r\n]*)")


class Spans:
    """Makes the spans of requests according to the settings."""

    def __init__(self, options: Tracing) -> None:
        self._safe = frozenset(options.safe_query_params)
        self._request_headers = _patterns(options.captured_request_headers)
        self._response_headers = _patterns(options.captured_response_headers)

    def make_spans(self, request: TracedRequest) -> Iterator[Span]:
        """Yield the spans of one request."""
        yield self._server_span(request)
        parent = request.trace.span
        if request.trace.detailed:
            detail_spans, parent = make_detail_spans(request)
            yield from detail_spans
        for number, attempt in enumerate(request.trace.attempts):
            yield self._client_span(request, attempt, number, parent)

    def _server_span(self, request: TracedRequest) -> Span:
        trace = request.trace
        path, _, query = as_text(request.target).partition("?")
        host, _, port = as_text(request.host).rpartition(":")
        if not port.isdigit():
            host, port = as_text(request.host), ""
        name, attributes = _method(request.method)
        attributes |= {
            "url.path": path,
            "url.scheme": "https" if request.tls else "http",
            "network.protocol.version": _VERSIONS[request.version],
            "server.address": host,
            "client.address": request.peer,
            "network.peer.address": request.peer,
            "http.response.status_code": request.status,
            "entry_point": request.entry_point,
        }
        if query:
            attributes["url.query"] = self._redacted(query)
        if port:
            attributes["server.port"] = int(port)
        if request.port:
            attributes["client.port"] = attributes["network.peer.port"] = request.port
        if request.received:
            attributes["http.request.body.size"] = request.received
        if request.router:
            attributes["traefik.router.name"] = request.router
            attributes["traefik.service.name"] = request.service
        attributes |= self._header_attributes(request, request.sent_head)
        if request.status >= 500:
            attributes["error.type"] = str(request.status)
        if request.grpc_status != NO_GRPC_STATUS:
            attributes["rpc.grpc.status_code"] = request.grpc_status
            if request.grpc_status in _GRPC_FAILURES:
                attributes["error.type"] = status_name(request.grpc_status)
        return make_span(
            request,
            trace.span,
            trace.parent,
            name,
            Span.SPAN_KIND_SERVER,
            (trace.began, trace.began + request.duration),
            attributes,
        )

    def _client_span(self, request: TracedRequest, attempt: Attempt, number: int, parent: int) -> Span:
        trace = request.trace
        later = trace.attempts[number + 1 :]
        server = attempt.target.server
        path, _, query = as_text(attempt.path).partition("?")
        name, attributes = _method(attempt.method)
        attributes |= {
            "url.full": attempt.target.url + path + (f"?{self._redacted(query)}" if query else ""),
            "url.scheme": server.scheme,
            "network.protocol.version": "1.1",
            "server.address": server.host,
            "server.port": server.port,
            "network.peer.address": server.host,
            "network.peer.port": server.port,
            "traefik.service.name": attempt.target.service,
        }
        if number:
            attributes["http.request.resend_count"] = number
        if attempt.status:
            attributes["http.response.status_code"] = attempt.status
            # No head is kept of a response that led to another attempt.
            attributes |= self._header_attributes(request, b"" if later else request.origin_head)
        if not attempt.status or attempt.status >= 400:
            attributes["error.type"] = str(attempt.status or "_OTHER")
        # Without a response, the attempt lasted until the next one, or until the end.
        end = attempt.responded or (later[0].sent if later else trace.began + request.duration)
        return make_span(
            request,
            attempt.span,
            parent,
            name,
            Span.SPAN_KIND_CLIENT,
            (attempt.sent, max(end, attempt.sent)),
            attributes,
        )

    def _header_attributes(self, request: TracedRequest, head: bytes) -> Mapping[str, Value]:
        """Return the attributes of the user agent and of the captured headers."""
        attributes: dict[str, Value] = {}
        agent = _USER_AGENT.search(request.headers)
        if agent is not None:
            attributes["user_agent.original"] = as_text(agent[1])
        for kind, patterns, lines in (
            ("request", self._request_headers, request.headers),
            ("response", self._response_headers, head),
        ):
            for name, pattern in patterns:
                values = tuple(as_text(value) for value in pattern.findall(lines))
                if values:
                    attributes[f"http.{kind}.header.{name}"] = values
        return attributes

    def _redacted(self, query: str) -> str:
        parts = []
        for part in query.split("&"):
            name, equals, _ = part.partition("=")
            parts.append(part if not equals or name in self._safe else f"{name}={REDACTED}")
        return "&".join(parts)


def _patterns(names: Sequence[str]) -> list[tuple[str, re.Pattern[bytes]]]:
    return [
        (name.lower(), re.compile(rb"\r\n(?i:%b):[ \t]*([^\r\n]*)" % re.escape(name.encode())))
        for name in names
        if name.lower() != "user-agent"
    ]


def _method(method: bytes) -> tuple[str, dict[str, Value]]:
    """Return the span's name and the method's attributes; a made-up method is not used as a name."""
    text = as_text(method)
    if method in METHODS:
        return text, {"http.request.method": text}
    return "HTTP", {"http.request.method": "_OTHER", "http.request.method_original": text}
