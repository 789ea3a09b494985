"""Merges routers and services of UDP, and resolves their references."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from discovery.merging.composite_members import resolve_all_members
from discovery.merging.provider_sections import add_section
from discovery.merging.router_references import (
    EntryPointsOf,
    NamedBy,
    Nearest,
    known_entry_points,
    report_missing,
)
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.udp.model import UdpRouter, UdpService


class UdpSections(NamedTuple):
    """The merged sections."""

    routers: Mapping[str, UdpRouter]
    services: Mapping[str, UdpService]


def merge_udp(
    providers: Sequence[tuple[str, Configuration]],
    entry_points: EntryPointsOf | None,
    nearest: Nearest,
    diagnostics: list[Diagnostic],
) -> UdpSections:
    """Merge the sections of providers in the order of their names, and add diagnostics.

    If `entry_points` is None, each name of one is valid.
    """
    routers: dict[str, UdpRouter] = {}
    services: dict[str, UdpService] = {}
    for provider, each in providers:
        add_section(services, each.udp_services, "UDP service", provider, diagnostics)
    if any(service.members for service in services.values()):
        diagnostics += resolve_all_members(services, "UDP service", nearest)
    for provider, each in providers:
        resolved: dict[str, UdpRouter] = {}
        for router in each.udp_routers.values():
            found = _resolve(router, provider, services, entry_points, nearest, diagnostics)
            if found is not None:
                resolved[router.name] = found
        add_section(routers, resolved, "UDP router", provider, diagnostics)
    if entry_points is not None:
        diagnostics += _overshadowed(routers, entry_points.names)
    return UdpSections(routers, services)


def _resolve(
    router: UdpRouter,
    provider: str,
    services: Collection[str],
    entry_points: EntryPointsOf | None,
    nearest: Nearest,
    diagnostics: list[Diagnostic],
) -> UdpRouter | None:
    by = NamedBy(f"UDP router {router.name}", provider, "")
    if report_missing(by, [("service", router.service, services)], nearest, diagnostics):
        return None
    if entry_points is None:
        return router
    if not router.entry_points:
        if entry_points.names:
            return router
        hint = "set the address of one to :PORT/udp"
        message = "left out, because there is no entry point for UDP"
        diagnostics.append(by.report(Severity.ERROR, message, hint))
        return None
    kept = known_entry_points(by, router.entry_points, entry_points, diagnostics)
    if kept is None:
        return None
    return router if kept is router.entry_points else replace(router, entry_points=kept)


def _overshadowed(routers: Mapping[str, UdpRouter], entry_points: Collection[str]) -> list[Diagnostic]:
    """Return a warning for each router that serves nothing, because another one has its entry points."""
    first: dict[str, str] = {}
    for name in sorted(routers):
        for point in routers[name].entry_points or entry_points:
            first.setdefault(point, name)
    found = []
    for name in sorted(routers):
        others = {first[point] for point in routers[name].entry_points or entry_points}
        if name not in others:
            message = (
                f"it takes nothing, because an entry point has one UDP router, and that is {min(others)}"
            )
            hint = "give it an entry point of its own"
            source = name.rpartition("@")[2]
            found.append(Diagnostic(Severity.WARNING, source, f"UDP router {name}", message, hint))
    return found
