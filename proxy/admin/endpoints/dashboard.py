"""The dashboard: a page for people, its parts, and the figures that move in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
from proxy.admin.views.object_status import DISABLED

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
"""Nothing is asked of other hosts, and no script is run but our own file."""

dashboard = Blueprint(
    "dashboard",
    __name__,
    url_prefix="/dashboard",
    static_folder=str(Path(__file__).parent.parent / "static"),
    static_url_path="/static",
)


@dashboard.before_request
def require_dashboard() -> None:
    """With `api.dashboard` off there is none."""
    if not runtime().settings.api.dashboard:
        raise Refusal(404, "the dashboard is off: set api.dashboard")


@dashboard.after_request
def set_security_headers(response: Response) -> Response:
    """What a browser may do with the page."""
    response.headers["Content-Security-Policy"] = POLICY
    # With "no-referrer", browsers would not say either that a form is sent by a page of ours.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@dashboard.get("/")
def show_page() -> str:
    """The whole page, as the query asks for it: it can be read, and searched, without script."""
    configuration = CurrentConfiguration(runtime())
    routes = page_parts.routes(configuration, request.args)
    name = request.args.get("router", "") or _default_router(configuration, routes)
    return render_template(
        "dashboard/page.html",
        overview=page_parts.overview(runtime(), configuration),
        routes=routes,
        request_flow=page_parts.request_flow(runtime(), configuration, name) if name else None,
        chosen=name,
        problems=page_parts.problems(configuration, _problems_query(request.args)),
        system=page_parts.system(runtime()),
        signed_in=g.signed_in,
    )


@dashboard.get("/part/<name>")
def show_part(name: str) -> ResponseReturnValue:
    """A part of the page, as the script puts it in."""
    configuration = CurrentConfiguration(runtime())
    if name == "routes":
        return render_template("dashboard/routes.html", routes=page_parts.routes(configuration, request.args))
    if name == "way":
        chosen = request.args.get("router", "")
        request_flow = page_parts.request_flow(runtime(), configuration, chosen)
        return render_template("dashboard/request_flow.html", request_flow=request_flow, chosen=chosen)
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
    """As `/api/explain`: what a browser keeps of signing in is good for the dashboard alone."""
    return explain_response()


@dashboard.get("/openapi.json")
def show_openapi() -> Response:
    """As `/api/openapi.json`."""
    return openapi_response()


@dashboard.get("/events")
def show_events() -> Response:
    """Figures of the routes that the query asks for, and of the way of one router, once a second."""
    sampler = _worker_sampler()
    _refuse_when_full(sampler)
    configuration = CurrentConfiguration(runtime())
    chosen = request.args.get("router", "")
    request_flow = page_parts.request_flow(runtime(), configuration, chosen) if chosen else None
    routes = page_parts.routes(configuration, request.args)
    keys = [
        *routes.keys(),
        *page_parts.request_flow_keys(request_flow),
        *page_parts.entry_point_keys(runtime()),
    ]
    # Others may have come meanwhile.
    _refuse_when_full(sampler)
    return Response(
        stream_events(sampler, runtime(), EventStream(keys)), content_type="text/event-stream; charset=utf-8"
    )


def _refuse_when_full(sampler: Sampler) -> None:
    if sampler.is_full:
        raise Refusal(503, f"{MAX_LISTENERS} browsers watch through this worker already")


def _problems_query(query: Mapping[str, str]) -> dict[str, str]:
    """What the page's own query asks of the problems, beside what it asks of the routes."""
    sort = query.get("sort", "")
    query_ = {"search": query.get("problems-search", ""), "page": query.get("problems-page", "")}
    return query_ | ({"unrouted": "true"} if sort == "unrouted" else {"severity": sort})


def _default_router(configuration: CurrentConfiguration, routes: page_parts.Routes) -> str:
    """The router whose way is shown when nobody has chosen one: of those that serve, if there is one."""
    if routes.kind != "router" or not routes.list_page.items:
        return min(configuration.state.routers, default="")
    serving = (view.name for view in routes.views if view.status != DISABLED)
    return next(serving, routes.list_page.items[0])


def _worker_sampler() -> Sampler:
    """The one of this worker, which begins with the first who looks."""
    sampler: Sampler | None = current_app.extensions.get("rondpoint_pulse")
    if sampler is None:
        worker = runtime()
        sampler = Sampler(
            worker.client,
            worker.keys,
            lambda: len(worker.applier.in_force().routers),
            lambda: sum(len(each.servers) for each in worker.applier.in_force().services.values()),
        )
        current_app.extensions["rondpoint_pulse"] = sampler
    return sampler
