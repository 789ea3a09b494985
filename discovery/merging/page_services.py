"""Checks the services of error pages, once the services of all providers are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Middleware


def page_service(middleware: Middleware) -> str:
    """Return the name of the service with this middleware's pages; empty if it has none."""
    if middleware.kind != "errors":
        return ""
    service: str = middleware.options.get("service", "")
    return service


def report_missing_pages(
    middlewares: Mapping[str, Middleware],
    provider: str,
    services: Collection[str],
    nearest: Callable[[str, Collection[str]], str],
) -> Iterator[Diagnostic]:
    """Yield an error for each middleware whose page service does not exist; `nearest` gives a hint."""
    for middleware in middlewares.values():
        service = page_service(middleware)
        if service and service not in services:
            yield Diagnostic(
                Severity.ERROR,
                provider,
                f"middleware {middleware.name}",
                f"its service {service!r} does not exist, so routers that use it respond with 503",
                nearest(service, services),
            )
