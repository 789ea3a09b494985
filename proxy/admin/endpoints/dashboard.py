"""The dashboard: a page for people, its parts, and the figures that move in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flask import Blueprint, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from proxy.admin.current_configuration import Present
from proxy.admin.current_worker import runtime
from proxy.admin.endpoints.explain import explained
from proxy.admin.endpoints.openapi import described
from proxy.admin.json_responses import Refusal
from proxy.admin.live.event_stream import Telling, told
from proxy.admin.live.sampler import LISTENERS, Pulse
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
def wanted() -> None:
    """With `api.dashboard` off there is none."""
    if not runtime().settings.api.dashboard:
        raise Refusal(404, "the dashboard is off: set api.dashboard")


@dashboard.after_request
def guarded(response: Response) -> Response:
    """What a browser may do with the page."""
    response.headers["Content-Security-Policy"] = POLICY
    # With "no-referrer", browsers would not say either that a form is sent by a page of ours.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@dashboard.get("/")
def page() -> str:
    """The whole page, as the query asks for it: it can be read, and searched, without script."""
    present = Present(runtime())
    routes = page_parts.routes(present, request.args)
    name = request.args.get("router", "") or _first(present, routes)
    return render_template(
        "dashboard/page.html",
        overview=page_parts.overview(runtime(), present),
        routes=routes,
        way=page_parts.way(runtime(), present, name) if name else None,
        chosen=name,
        problems=page_parts.problems(present, _of_problems(request.args)),
        system=page_parts.system(runtime()),
        signed_in=g.signed_in,
    )


@dashboard.get("/part/<name>")
def part(name: str) -> ResponseReturnValue:
    """A part of the page, as the script puts it in."""
    present = Present(runtime())
    if name == "routes":
        return render_template("dashboard/routes.html", routes=page_parts.routes(present, request.args))
    if name == "way":
        chosen = request.args.get("router", "")
        found = page_parts.way(runtime(), present, chosen)
        return render_template("dashboard/request_flow.html", way=found, chosen=chosen)
    if name == "problems":
        return render_template("dashboard/problems.html", problems=page_parts.problems(present, request.args))
    if name == "overview":
        return render_template("dashboard/overview.html", overview=page_parts.overview(runtime(), present))
    if name == "system":
        return render_template("dashboard/system.html", system=page_parts.system(runtime()))
    raise Refusal(404, f"the dashboard has no part {name!r}")


@dashboard.get("/explain")
def explain() -> Response:
    """As `/api/explain`: what a browser keeps of signing in is good for the dashboard alone."""
    return explained()


@dashboard.get("/openapi.json")
def openapi() -> Response:
    """As `/api/openapi.json`."""
    return described()


@dashboard.get("/events")
def events() -> Response:
    """Figures of the routes that the query asks for, and of the way of one router, once a second."""
    pulse = _pulse()
    _demand_room(pulse)
    present = Present(runtime())
    chosen = request.args.get("router", "")
    way = page_parts.way(runtime(), present, chosen) if chosen else None
    listed = page_parts.routes(present, request.args)
    keys = [*listed.keys(), *page_parts.way_keys(way), *page_parts.entry_point_keys(runtime())]
    # Others may have come meanwhile.
    _demand_room(pulse)
    return Response(told(pulse, runtime(), Telling(keys)), content_type="text/event-stream; charset=utf-8")


def _demand_room(pulse: Pulse) -> None:
    if pulse.full:
        raise Refusal(503, f"{LISTENERS} browsers watch through this worker already")


def _of_problems(query: Mapping[str, str]) -> dict[str, str]:
    """What the page's own query asks of the problems, beside what it asks of the routes."""
    sort = query.get("sort", "")
    asked = {"search": query.get("problems-search", ""), "page": query.get("problems-page", "")}
    return asked | ({"unrouted": "true"} if sort == "unrouted" else {"severity": sort})


def _first(present: Present, routes: page_parts.Routes) -> str:
    """The router whose way is shown when nobody has chosen one: of those that serve, if there is one."""
    if routes.kind != "router" or not routes.leaf.items:
        return min(present.state.routers, default="")
    serving = (view.name for view in routes.views if view.status != DISABLED)
    return next(serving, routes.leaf.items[0])


def _pulse() -> Pulse:
    """The one of this worker, which begins with the first who looks."""
    pulse: Pulse | None = current_app.extensions.get("rondpoint_pulse")
    if pulse is None:
        running = runtime()
        pulse = Pulse(
            running.client,
            running.keys,
            lambda: len(running.applier.in_force().routers),
            lambda: sum(len(each.servers) for each in running.applier.in_force().services.values()),
        )
        current_app.extensions["rondpoint_pulse"] = pulse
    return pulse
