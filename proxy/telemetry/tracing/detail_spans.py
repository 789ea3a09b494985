"""Spans of what lies between the entry point and the servers: router, middlewares, service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from proxy.telemetry.tracing.otlp_values import make_span

if TYPE_CHECKING:
    from proxy.telemetry.tracing.traced_request import TracedRequest


def make_detail_spans(finished: TracedRequest) -> tuple[list[Span], int]:
    """These spans of one request, and the id of the one that servers are asked in.

    Those of middlewares lie beside each other in the router's: one tells of its work on the request, and of
    nothing that comes after it.
    """
    trace = finished.trace
    end = trace.began + finished.duration
    router = trace.new_span()
    where = {"traefik.router.name": finished.router, "traefik.service.name": finished.service}
    spans = [
        make_span(finished, router, trace.span, "Router", Span.SPAN_KIND_INTERNAL, (trace.began, end), where)
    ]
    for each in trace.steps:
        times = (each.began, each.ended)
        named = {"traefik.middleware.name": each.name}
        spans.append(
            make_span(finished, trace.new_span(), router, each.kind, Span.SPAN_KIND_INTERNAL, times, named)
        )
    if not trace.attempts:
        return spans, router
    service = trace.new_span()
    times = (trace.attempts[0].asked, max(end, trace.attempts[0].asked))
    named = {"traefik.service.name": finished.service}
    spans.append(make_span(finished, service, router, "Service", Span.SPAN_KIND_INTERNAL, times, named))
    return spans, service
