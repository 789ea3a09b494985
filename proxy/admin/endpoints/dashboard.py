"""The dashboard: its page, the parts that its script reloads, and its live figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.endpoints.explain import explain_response
from proxy.admin.endpoints.openapi import openapi_response
from proxy.admin.json_responses import Refusal
from proxy.admin.live.event_stream import EventStream, stream_events
from proxy.admin.live.sampler import MAX_LISTENERS, Sampler
from proxy.admin.pages import page_parts
from proxy.admin.pages.chosen_router import ChosenRouter, chosen_router, default_router

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content Security Policy: no requests to other hosts, and no script except our own file."""

dashboard = Blueprint(
    "dashboard",
    __name__,
    url_prefix="/dashboard",
    static_folder=str(Path(__file__).parent.parent / "static"),
    static_url_path="/static",
)


@dashboard.before_request
def require_dashboard() -> None:
    """Raise Refusal if `api.dashboard` is off."""
    if not runtime().settings.api.dashboard:
        raise Refusal(404, "the dashboard is off: set api.dashboard=true")


@dashboard.after_request
def set_security_headers(response: Response) -> Response:
    """Set the headers that restrict what a browser may do with the page."""
    response.headers["Content-Security-Policy"] = POLICY
    # With "no-referrer", browsers would also hide the origin of our own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@dashboard.get("/")
def show_page() -> str:
    """Return the whole page for the query; it can be read and searched without JavaScript."""
    configuration = CurrentConfiguration(runtime())
    routes = page_parts.routes(runtime(), configuration, request.args)
    chosen = chosen_router(request.args) or default_router(configuration, routes)
    return render_template(
        "dashboard/page.html",
        overview=page_parts.overview(runtime(), configuration),
        routes=routes,
        **_flow(configuration, chosen),
        problems=page_parts.problems(configuration, _problems_query(request.args)),
        system=page_parts.system(runtime()),
        signed_in=g.signed_in,
        instance_name=runtime().settings.api.dashboard_name,
    )


@dashboard.get("/part/<name>")
def show_part(name: str) -> ResponseReturnValue:
    """Return one part of the page, for the script to insert."""
    configuration = CurrentConfiguration(runtime())
    if name == "routes":
        return render_template(
            "dashboard/routes.html", routes=page_parts.routes(runtime(), configuration, request.args)
        )
    if name == "flow":
        return render_template("dashboard/flow.html", **_flow(configuration, chosen_router(request.args)))
    if name == "problems":
        return render_template(
            "dashboard/problems.html", problems=page_parts.problems(configuration, request.args)
        )
    if name == "overview":
        return render_template(
            "dashboard/overview.html", overview=page_parts.overview(runtime(), configuration)
        )
    if name == "system":
        return render_template("dashboard/system.html", system=page_parts.system(runtime()))
    raise Refusal(404, f"the dashboard has no part {name!r}")


@dashboard.get("/explain")
def show_explanation() -> Response:
    """Return the response of `/api/explain`: a session is valid only below `/dashboard/`."""
    return explain_response()


@dashboard.get("/openapi.json")
def show_openapi() -> Response:
    """Return the response of `/api/openapi.json`."""
    return openapi_response()


@dashboard.get("/events")
def show_events() -> Response:
    """Send the live figures of the selected routes and of one request flow, once a second."""
    sampler = _worker_sampler()
    _refuse_when_full(sampler)
    configuration = CurrentConfiguration(runtime())
    chosen = request.args.get("router", "")
    request_flow = page_parts.request_flow(runtime(), configuration, chosen) if chosen else None
    routes = page_parts.routes(runtime(), configuration, request.args)
    keys = [
        *routes.keys(),
        *page_parts.request_flow_keys(request_flow),
        *page_parts.entry_point_keys(runtime()),
    ]
    # Other browsers may have connected meanwhile.
    _refuse_when_full(sampler)
    return Response(
        stream_events(sampler, runtime(), EventStream(keys)), content_type="text/event-stream; charset=utf-8"
    )


def _refuse_when_full(sampler: Sampler) -> None:
    if sampler.is_full:
        raise Refusal(503, f"this worker already serves live figures to {MAX_LISTENERS} browsers")


def _problems_query(query: Mapping[str, str]) -> dict[str, str]:
    """Return the page's query parameters that filter the problems."""
    sort = query.get("sort", "")
    query_ = {"search": query.get("problems-search", ""), "page": query.get("problems-page", "")}
    return query_ | ({"unrouted": "true"} if sort == "unrouted" else {"severity": sort})


def _flow(configuration: CurrentConfiguration, chosen: ChosenRouter | None) -> dict[str, Any]:
    """Return the values of the template `flow.html`."""
    request_flow, layer4_flow = None, None
    if chosen is not None and chosen.protocol == "http":
        request_flow = page_parts.request_flow(runtime(), configuration, chosen.name)
    elif chosen is not None:
        layer4_flow = page_parts.layer4_flow(runtime(), configuration, chosen.protocol, chosen.name)
    return {"request_flow": request_flow, "layer4_flow": layer4_flow, "chosen": chosen}


def _worker_sampler() -> Sampler:
    """Return this worker's sampler; create it on first use."""
    sampler: Sampler | None = current_app.extensions.get("rondpoint_sampler")
    if sampler is None:
        worker = runtime()
        sampler = Sampler(
            worker.client,
            worker.keys,
            lambda: len(worker.applier.in_force().routers),
            lambda: sum(len(each.servers) for each in worker.applier.in_force().services.values()),
        )
        current_app.extensions["rondpoint_sampler"] = sampler
    return sampler
