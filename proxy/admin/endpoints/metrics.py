"""`/metrics`, for Prometheus to fetch: of this instance, or with `?scope=installation` of each one."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal
from rondpoint.settings.closing import METRICS

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
def show_metrics() -> Response:
    """Return text in the form that the client accepts; 404 if the setting is off, 503 if it is closed."""
    if closed := runtime().settings.why_no(METRICS):
        raise Refusal(503, f"metrics are not shown: {closed}")
    exposition = runtime().exposition
    if exposition is None:
        raise Refusal(404, "metrics.prometheus is off")
    answer = exposition.answer(request.args.get("scope", ""), request.headers.get("Accept", ""))
    return Response(answer.body, answer.status, content_type=answer.content_type)
