"""Detailed spans between the entry point and the servers: router, middlewares, service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from proxy.telemetry.tracing.otlp_values import make_span

if TYPE_CHECKING:
    from proxy.telemetry.tracing.traced_request import TracedRequest


def make_detail_spans(request: TracedRequest) -> tuple[list[Span], int]:
    """Return these spans of one request, and the id of the parent span of its server spans.

    The spans of middlewares are children of the router's span. Each covers only the middleware's own work on
    the request, not the later steps.
    """
    trace = request.trace
    end = trace.began + request.duration
    router = trace.new_span()
    names = {"traefik.router.name": request.router, "traefik.service.name": request.service}
    spans = [
        make_span(request, router, trace.span, "Router", Span.SPAN_KIND_INTERNAL, (trace.began, end), names)
    ]
    for step in trace.steps:
        times = (step.began, step.ended)
        names = {"traefik.middleware.name": step.name}
        spans.append(
            make_span(request, trace.new_span(), router, step.kind, Span.SPAN_KIND_INTERNAL, times, names)
        )
    if not trace.attempts:
        return spans, router
    service = trace.new_span()
    times = (trace.attempts[0].sent, max(end, trace.attempts[0].sent))
    names = {"traefik.service.name": request.service}
    spans.append(make_span(request, service, router, "Service", Span.SPAN_KIND_INTERNAL, times, names))
    return spans, service
