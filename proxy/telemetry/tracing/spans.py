"""Finished requests in OpenTelemetry's protocol: a span at the entry point, and one for each server asked.

Attributes follow OpenTelemetry's semantic conventions for HTTP, with Traefik's own beside them. They are
written by the protocol's own classes: made by the SDK, a span costs several times as much as a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from proxy.telemetry.escaping import as_text
from proxy.telemetry.tallies import METHODS
from proxy.telemetry.tracing.detail_spans import make_detail_spans
from proxy.telemetry.tracing.otlp_values import Value, make_span

if TYPE_CHECKING:
    from proxy.telemetry.tracing.trace import Attempt
    from proxy.telemetry.tracing.traced_request import TracedRequest
    from rondpoint.settings import Tracing

REDACTED = "REDACTED"
_USER_AGENT = re.compile(rb"\r\n(?i:user-agent):[ \t]*([^\r\n]*)")


class Spans:
    """Makes spans, as the settings want them."""

    def __init__(self, options: Tracing) -> None:
        self._safe = frozenset(options.safe_query_params)
        self._of_requests = _patterns(options.captured_request_headers)
        self._of_responses = _patterns(options.captured_response_headers)

    def make_spans(self, finished: TracedRequest) -> Iterator[Span]:
        """The spans of one request."""
        yield self._server(finished)
        parent = finished.trace.span
        if finished.trace.detailed:
            within, parent = make_detail_spans(finished)
            yield from within
        for number, attempt in enumerate(finished.trace.attempts):
            yield self._client(finished, attempt, number, parent)

    def _server(self, finished: TracedRequest) -> Span:
        trace = finished.trace
        path, _, query = as_text(finished.target).partition("?")
        host, _, port = as_text(finished.host).rpartition(":")
        if not port.isdigit():
            host, port = as_text(finished.host), ""
        name, attributes = _method(finished.method)
        attributes |= {
            "url.path": path,
            "url.scheme": "https" if finished.tls else "http",
            "network.protocol.version": f"1.{finished.version}",
            "server.address": host,
            "client.address": finished.peer,
            "network.peer.address": finished.peer,
            "http.response.status_code": finished.status,
            "entry_point": finished.entry_point,
        }
        if query:
            attributes["url.query"] = self._redacted(query)
        if port:
            attributes["server.port"] = int(port)
        if finished.port:
            attributes["client.port"] = attributes["network.peer.port"] = finished.port
        if finished.received:
            attributes["http.request.body.size"] = finished.received
        if finished.router:
            attributes["traefik.router.name"] = finished.router
            attributes["traefik.service.name"] = finished.service
        attributes |= self._header_attributes(finished, finished.sent_head)
        if finished.status >= 500:
            attributes["error.type"] = str(finished.status)
        return make_span(
            finished,
            trace.span,
            trace.parent,
            name,
            Span.SPAN_KIND_SERVER,
            (trace.began, trace.began + finished.duration),
            attributes,
        )

    def _client(self, finished: TracedRequest, attempt: Attempt, number: int, parent: int) -> Span:
        trace = finished.trace
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
            # No head is kept of an answer that was not wanted.
            attributes |= self._header_attributes(finished, b"" if later else finished.origin_head)
        if not attempt.status or attempt.status >= 400:
            attributes["error.type"] = str(attempt.status or "_OTHER")
        # Without an answer it lasted until the next server was asked, or until the end.
        end = attempt.answered or (later[0].asked if later else trace.began + finished.duration)
        return make_span(
            finished,
            attempt.span,
            parent,
            name,
            Span.SPAN_KIND_CLIENT,
            (attempt.asked, max(end, attempt.asked)),
            attributes,
        )

    def _header_attributes(self, finished: TracedRequest, head: bytes) -> Mapping[str, Value]:
        """What headers are to be told of."""
        said: dict[str, Value] = {}
        agent = _USER_AGENT.search(finished.headers)
        if agent is not None:
            said["user_agent.original"] = as_text(agent[1])
        for kind, patterns, lines in (
            ("request", self._of_requests, finished.headers),
            ("response", self._of_responses, head),
        ):
            for name, pattern in patterns:
                values = [as_text(value) for value in pattern.findall(lines)]
                if values:
                    said[f"http.{kind}.header.{name}"] = values
        return said

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
    """The span's name and what is told of the method; a made-up one is no name."""
    text = as_text(method)
    if method in METHODS:
        return text, {"http.request.method": text}
    return "HTTP", {"http.request.method": "_OTHER", "http.request.method_original": text}
