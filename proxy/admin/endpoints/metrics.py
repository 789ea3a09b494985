"""`/metrics` for Prometheus: metrics of this instance, or of all with `?scope=installation`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
def show_metrics() -> Response:
    """Return the metrics in the format that the client accepts; 404 if they are off, or on other paths."""
    options = runtime().settings.metrics
    exposition = runtime().exposition
    if exposition is None or options is None or options.prometheus is None:
        raise Refusal(404, "metrics.prometheus is off")
    if options.prometheus.manual_routing:
        raise Refusal(404, "routers serve the metrics: metrics.prometheus.manualRouting is set")
    response = exposition.respond(request.args.get("scope", ""), request.headers.get("Accept", ""))
    return Response(
        response.pieces,
        response.status,
        {"Content-Length": str(response.length)},
        content_type=response.content_type,
    )
