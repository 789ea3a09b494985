"""Finds routers that nothing can reach, because all their entry points are closed."""

from __future__ import annotations

from collections.abc import Iterable

from rondpoint.model import Router
from rondpoint.settings import Settings


def closed_reason(router: Router, settings: Settings) -> str:
    """Return why all entry points of a router are closed; empty if one is open or it is a child router."""
    if router.parents:
        return ""
    return all_closed_reason(router.entry_points or settings.default_entry_points, settings)


def all_closed_reason(entry_points: Iterable[str], settings: Settings) -> str:
    """Return why all of these entry points are closed; empty if one is open."""
    if not settings.closed_parts:
        return ""
    reasons = [settings.closed_reason(name) for name in sorted(entry_points) if name in settings.entry_points]
    return "; ".join(reasons) if all(reasons) else ""
