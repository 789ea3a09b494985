"""`/metrics`, for Prometheus to fetch: of this instance, or with `?scope=installation` of each one."""

from __future__ import annotations

from time import time

import redis
from flask import Blueprint, Response, request

from proxy.admin.overview import runtime
from proxy.configuration.breath import Breath
from proxy.identity import INSTANCE

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
def exposed() -> Response:
    """Text, in the form that the client accepts; 404 where the setting is off, 503 without the store."""
    parts = runtime()
    options = parts.settings.metrics.prometheus if parts.settings.metrics is not None else None
    if options is None:
        return Response("metrics.prometheus is off\n", 404, mimetype="text/plain")
    # The library is there for those who use it.
    from proxy.telemetry.exposition import page, reading, values  # noqa: PLC0415

    apart = request.args.get("scope") == "installation"
    breathe = Breath()
    in_force = parts.applier.in_force()
    try:
        census = reading.read_census(parts.client, parts.keys, time(), breathe, "" if apart else INSTANCE)
    except redis.RedisError as error:
        # Sums of what is known here would fall, and rise again later.
        return Response(f"the store does not answer: {error}\n", 503, mimetype="text/plain")
    body, content_type = page.page(
        census,
        values.Served(in_force.routers, in_force.services),
        options,
        request.headers.get("Accept", ""),
        breathe,
        apart=apart,
    )
    return Response(body, content_type=content_type)
