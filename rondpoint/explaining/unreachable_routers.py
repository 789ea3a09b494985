"""Routers that no request can reach: they ask for TLS, which none of their entry points speaks, or these are
closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rondpoint.diagnostics import Diagnostic, Severity, would_serve
from rondpoint.model import Router
from rondpoint.settings import Settings


def reason(router: Router, settings: Settings) -> str:
    """Why a router gets no requests with these settings; empty where it may get some."""
    if not router.tls:
        return ""
    points = router.entry_points or settings.default_entry_points
    if not settings.tls_entry_points.isdisjoint(points):
        return ""
    return f"it asks for TLS, which none of its entry points speaks: {', '.join(sorted(points))}"


def closed(router: Router, settings: Settings) -> str:
    """Why a router's entry points are closed; empty where one is open."""
    if not settings.closed_parts:
        return ""
    points = router.entry_points or settings.default_entry_points
    known = settings.tls_entry_points if router.tls else settings.entry_points
    reasons = [settings.closed_reason(name) for name in sorted(points) if name in known]
    return "; ".join(reasons) if all(reasons) else ""


def findings(routers: Iterable[Router], settings: Settings) -> Iterator[Diagnostic]:
    """A finding for each of them that asks for TLS in vain; what is closed is told of once, not for each."""
    for router in routers:
        if told := reason(router, settings):
            name = min(router.entry_points or settings.default_entry_points, default="NAME")
            mend = f"set entryPoints.{name}.tls.certificates, or take tls off the router"
            hint = f"{mend}; {would_serve(router.rule.text)}"
            subject, provider = f"router {router.name}", router.name.rpartition("@")[2]
            yield Diagnostic(Severity.ERROR, provider, subject, told, hint)
