"""Reports routers of TCP and UDP that have no service."""

from __future__ import annotations

from collections.abc import Sequence

from discovery.decoding.report import format_names
from discovery.decoding.section import Section


def report_missing_service(router: Section, services: Sequence[str]) -> None:
    """Report a router that names no service; `services` are those of its file or container."""
    hint = f"expected one of {format_names(services)}" if services else "expected service"
    router.report.error(f"{router.report.at(router.path)} names no service", hint)


def report_lost_service(router: Section, service: str, hint: str = "") -> None:
    """Report a router whose service is left out, because it is invalid."""
    at = router.report.at(router.path)
    router.report.error(f"{at} is left out, because its service {service} is left out", hint)
