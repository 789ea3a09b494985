"""`/api/explain`: explains how a request or a TCP connection would be served, and why."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, request
from msgspec.structs import replace

from proxy.admin.certificates.handshake import with_handshake
from proxy.admin.certificates.known_certificates import KnownCertificates
from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.explain_query import ExplainQuery, ExplainQueryError, read_explain_query
from proxy.admin.json_responses import Refusal, json_response
from proxy.admin.previews.bucket_state import tokens_left
from proxy.admin.previews.chain_preview import Previewer, is_redirected, parts_of
from proxy.admin.tcp_explain_query import (
    TcpExplainQuery,
    facts_of_connection,
    is_tcp_url,
    read_tcp_explain_query,
)
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explain import explain_request
from rondpoint.explaining.tcp.connections import TcpConfiguration, explain_connection
from rondpoint.explaining.tcp.explanation import TcpExplanation
from rondpoint.internal_services import INTERNAL_SERVICES, internal_fault

explain = Blueprint("explain", __name__, url_prefix="/api")


@explain.get("/explain")
def explain_response() -> Response:
    """Explain a request for `url`, or with the scheme `tcp` a connection.

    Optional: `client`, `entryPoint`; for a request `method` and any number of `header`; for a connection any
    number of `alpn`. If a TCP router takes the connection of a request, the connection is explained.
    """
    try:
        if is_tcp_url(request.args.get("url", "")):
            return _explain_connection(read_tcp_explain_query(request.args, runtime().settings))
        return _explain_request(read_explain_query(request.args, runtime().settings))
    except ExplainQueryError as error:
        raise Refusal(400, str(error)) from None


def _explain_connection(query: TcpExplainQuery) -> Response:
    configuration = CurrentConfiguration(runtime())
    configured = _active_tcp(configuration, query.entry_point)
    return json_response(explain_connection(configured, query.facts, configuration.yield_if_due))


def _active_tcp(configuration: CurrentConfiguration, point: str) -> TcpConfiguration:
    settings, state = runtime().settings, configuration.state
    return TcpConfiguration(
        point,
        state.tcp_routers,
        state.tcp_services,
        state.tcp_middlewares,
        list(_active(configuration).root_routers(point, tls=True)),
        settings.default_entry_points,
        configuration.layer4.fault,
        configuration.layer4.fault,
        settings.closed_reason(point),
        configuration.diagnostics,
    )


def _active(configuration: CurrentConfiguration) -> ActiveConfiguration:
    settings = runtime().settings
    return ActiveConfiguration(
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


def _explain_request(query: ExplainQuery) -> Response:
    configuration = CurrentConfiguration(runtime())
    if (taken := _taken_by_tcp(configuration, query)) is not None:
        return json_response(taken)
    configured = _active(configuration)
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


def _taken_by_tcp(configuration: CurrentConfiguration, query: ExplainQuery) -> TcpExplanation | None:
    """Return the explanation of the request's connection if a TCP router takes it, so HTTP never sees it."""
    if not configuration.state.tcp_routers:
        return None
    configured = _active_tcp(configuration, query.entry_point)
    explanation = explain_connection(configured, facts_of_connection(query), configuration.yield_if_due)
    decision = explanation.over_tls if query.tls else explanation.plain
    if decision.outcome == "http":
        return None
    note = f"TCP router {decision.router} takes this connection, so no HTTP router gets the request"
    return replace(explanation, notes=(note, *explanation.notes))
