"""Rondpoint's own services, under Traefik's names, which routers may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rondpoint.settings.tree.section import given_names

if TYPE_CHECKING:
    from rondpoint.settings import Settings

SUFFIX = "@internal"

API = f"api{SUFFIX}"
DASHBOARD = f"dashboard{SUFFIX}"
REST = f"rest{SUFFIX}"
PING = f"ping{SUFFIX}"
PROMETHEUS = f"prometheus{SUFFIX}"
NOOP = f"noop{SUFFIX}"

INTERNAL_SERVICES = {
    API: "the API, and the dashboard at /dashboard/",
    DASHBOARD: "the dashboard",
    REST: "the routes of PUT /api/providers/rest",
    PING: "the status of the proxy, at any path",
    PROMETHEUS: "metrics, at any path",
    NOOP: "nothing: it responds with 418, for routers whose middlewares respond to every request",
}
"""The responses of each service, in words."""


def internal_fault(name: str, settings: Settings) -> str:
    """Return why the internal service responds with 503 under these settings, or an empty text."""
    missing = ""
    if name in (API, DASHBOARD) and "api" not in given_names(settings):
        # Otherwise the labels of any container could show the configuration to everybody.
        missing = "api"
    elif name == DASHBOARD and not settings.api.dashboard:
        missing = "api.dashboard"
    elif name == PROMETHEUS and (settings.metrics is None or settings.metrics.prometheus is None):
        missing = "metrics.prometheus"
    return f"{missing} is not set" if missing else ""
