"""`/api/explain`: explains how a request would be served, and why."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, request

from proxy.admin.certificates.handshake import with_handshake
from proxy.admin.certificates.known_certificates import KnownCertificates
from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.explain_query import ExplainQueryError, read_explain_query
from proxy.admin.json_responses import Refusal, json_response
from proxy.admin.previews.bucket_state import tokens_left
from proxy.admin.previews.chain_preview import Previewer, is_redirected, parts_of
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explain import explain_request
from rondpoint.internal_services import INTERNAL_SERVICES, internal_fault

explain = Blueprint("explain", __name__, url_prefix="/api")


@explain.get("/explain")
def explain_response() -> Response:
    """Explain a request for `url`; optional: `method`, `client`, `entryPoint`, any number of `header`."""
    settings = runtime().settings
    try:
        query = read_explain_query(request.args, settings)
    except ExplainQueryError as error:
        raise Refusal(400, str(error)) from None
    configuration = CurrentConfiguration(runtime())
    configured = ActiveConfiguration(
        configuration.state.routers,
        configuration.state.services,
        configuration.state.middlewares,
        configuration.diagnostics,
        settings.default_entry_points,
        settings.tls_entry_points,
        {name: settings.closed_reason(name) for name in settings.entry_points},
        runtime().entry_point_options,
        configuration.compile_fault,
        {name: internal_fault(name, settings) for name in INTERNAL_SERVICES},
    )
    explanation = explain_request(
        configured,
        query.entry_point,
        query.facts,
        configuration.yield_if_due,
        partial(is_redirected, runtime().context, query.previewed),
        tls=query.tls,
    )
    if query.tls:
        known = KnownCertificates(runtime(), configuration)
        explanation = with_handshake(explanation, query.url_host, runtime(), known)
    if explanation.router and explanation.status != 421:
        explanation = Previewer(
            runtime().context,
            configured.middlewares,
            partial(tokens_left, runtime().client, runtime().keys),
            configuration.yield_if_due,
        ).complete(
            explanation,
            parts_of(explanation, configured),
            query.previewed,
            closed=bool(configured.closed.get(query.entry_point)),
        )
    return json_response(explanation)
