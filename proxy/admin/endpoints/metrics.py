"""`/metrics` for Prometheus: metrics of this instance, or of all with `?scope=installation`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal
from rondpoint.settings.closed_parts import METRICS

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
def show_metrics() -> Response:
    """Return the metrics in the format that the client accepts; 404 if they are off, 503 if closed."""
    if closed := runtime().settings.refusal(METRICS):
        raise Refusal(503, f"metrics are not shown: {closed}")
    exposition = runtime().exposition
    if exposition is None:
        raise Refusal(404, "metrics.prometheus is off")
    response = exposition.respond(request.args.get("scope", ""), request.headers.get("Accept", ""))
    return Response(
        response.pieces,
        response.status,
        {"Content-Length": str(response.length)},
        content_type=response.content_type,
    )
