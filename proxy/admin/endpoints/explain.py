"""`/api/explain`: why a request is served as it is."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.current_configuration import Present
from proxy.admin.current_worker import runtime
from proxy.admin.explain_query import AskedError, read_asked
from proxy.admin.json_responses import Refusal, answer
from rondpoint.explaining.active_configuration import Configured
from rondpoint.explaining.explain import explain_request

explain = Blueprint("explain", __name__, url_prefix="/api")


@explain.get("/explain")
def explained() -> Response:
    """The way of a request for `url`; with `method`, `client`, `entryPoint`, any number of `header`."""
    settings = runtime().settings
    try:
        asked = read_asked(request.args, settings)
    except AskedError as error:
        raise Refusal(400, str(error)) from None
    present = Present(runtime())
    configured = Configured(
        present.state.routers,
        present.state.services,
        present.state.middlewares,
        present.diagnostics,
        settings.default_entry_points,
        settings.tls_entry_points,
        {name: settings.why_closed(name) for name in settings.entry_points},
    )
    return answer(explain_request(configured, asked.entry_point, asked.facts, present.breathe))
