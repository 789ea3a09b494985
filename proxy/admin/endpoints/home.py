"""`/`, which redirects to the dashboard, and `/ping`."""

from __future__ import annotations

from flask import Blueprint, redirect
from werkzeug.wrappers import Response

home = Blueprint("home", __name__)


@home.get("/")
def redirect_to_dashboard() -> Response:
    """Redirect to the dashboard."""
    return redirect("/dashboard/")


@home.get("/ping")
def ping() -> tuple[str, int, dict[str, str]]:
    """Return 200, which shows that this worker responds."""
    return "OK", 200, {"Content-Type": "text/plain; charset=utf-8"}
