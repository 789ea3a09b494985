"""`/`, which redirects to the dashboard, and `/ping`."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from proxy.admin.current_worker import runtime

home = Blueprint("home", __name__)


@home.get("/")
def redirect_to_dashboard() -> Response:
    """Redirect to the dashboard."""
    return redirect(f"{request.script_root}/dashboard/")


@home.get("/ping")
def ping() -> tuple[str, int, dict[str, str]]:
    """Return 200, which shows that this worker responds, or another status before the proxy ends."""
    status = HTTPStatus(runtime().ping_status())
    return status.phrase, status, {"Content-Type": "text/plain; charset=utf-8"}
