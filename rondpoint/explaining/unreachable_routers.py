"""Finds routers that no request can reach, because none of their entry points uses TLS or all are closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rondpoint.diagnostics import Diagnostic, Severity, lost_rules_hint
from rondpoint.model import Router
from rondpoint.settings import Settings


def missing_tls_reason(router: Router, settings: Settings) -> str:
    """Return why a router that requires TLS gets no requests with these settings, or empty."""
    if not router.tls:
        return ""
    points = router.entry_points or settings.default_entry_points
    if not settings.tls_entry_points.isdisjoint(points):
        return ""
    return f"it requires TLS, but none of its entry points uses TLS: {', '.join(sorted(points))}"


def closed_reason(router: Router, settings: Settings) -> str:
    """Return why all entry points of a router are closed; empty if one is open or it is a child router."""
    if not settings.closed_parts or router.parents:
        return ""
    points = router.entry_points or settings.default_entry_points
    known = settings.tls_entry_points if router.tls else settings.entry_points
    reasons = [settings.closed_reason(name) for name in sorted(points) if name in known]
    return "; ".join(reasons) if all(reasons) else ""


def missing_tls_diagnostics(routers: Iterable[Router], settings: Settings) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each router that requires TLS in vain.

    Closed entry points have one diagnostic each elsewhere, so routers get none for them here.
    """
    for router in routers:
        if reason := missing_tls_reason(router, settings):
            name = min(router.entry_points or settings.default_entry_points, default="NAME")
            remedy = f"set entryPoints.{name}.tls.certificates, or remove tls from the router"
            hint = f"{remedy}; {lost_rules_hint(router.rule.text)}"
            subject, provider = f"router {router.name}", router.name.rpartition("@")[2]
            yield Diagnostic(Severity.ERROR, provider, subject, reason, hint)
