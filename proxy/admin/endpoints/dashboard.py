"""The page that lists what is served, by what, and what is not."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, render_template

from proxy.admin.answers import Refusal
from proxy.admin.present import Present
from proxy.admin.reports import agents_report, diagnostic_report, store_report
from proxy.admin.running import runtime

dashboard = Blueprint("dashboard", __name__, url_prefix="/dashboard")


@dashboard.before_request
def wanted() -> None:
    """With `api.dashboard` off there is none."""
    if not runtime().settings.api.dashboard:
        raise Refusal(404, "the dashboard is off: set api.dashboard")


@dashboard.get("/")
def page() -> str:
    """One page, without script, without a request to anywhere else."""
    present = Present(runtime())
    routers = {name: present.router(name) for name in present.names("router")}
    services = {name: present.service(name) for name in present.names("service")}
    data: dict[str, Any] = {
        "revision": runtime().applier.revision,
        "store": store_report(),
        "routers": {name: msgspec.to_builtins(view) for name, view in routers.items()},
        "services": {name: msgspec.to_builtins(view) for name, view in services.items()},
        "middlewares": {name: present.middleware(name) for name in present.names("middleware")},
        "agents": agents_report(),
        "diagnostics": [diagnostic_report(item) for item in present.diagnostics],
    }
    return render_template("dashboard.html", data=data)
