"""Finds routers that no request can reach, because all their entry points are closed."""

from __future__ import annotations

from rondpoint.model import Router
from rondpoint.settings import Settings


def closed_reason(router: Router, settings: Settings) -> str:
    """Return why all entry points of a router are closed; empty if one is open or it is a child router."""
    if not settings.closed_parts or router.parents:
        return ""
    points = router.entry_points or settings.default_entry_points
    reasons = [settings.closed_reason(name) for name in sorted(points) if name in settings.entry_points]
    return "; ".join(reasons) if all(reasons) else ""
