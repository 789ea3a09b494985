"""Resolves the members of composite services, once the services of all providers are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service


class ServiceGraph:
    """The graph of services and their members; each service is searched once."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.services = services
        self._reachable: dict[str, Collection[str]] = {}

    def reachable(self, name: str) -> Collection[str]:
        """Return the names of this service and of all services below it."""
        known = self._reachable.get(name)
        if known is not None:
            return known
        found: set[str] = set()
        left = [name]
        while left:
            reachable = left.pop()
            if reachable not in found and reachable in self.services:
                found.add(reachable)
                left += self.services[reachable].service_names
        self._reachable[name] = found
        return found


def resolve_members(
    service: Service, provider: str, graph: ServiceGraph, nearest: Callable[[str], str]
) -> tuple[Service, tuple[Diagnostic, ...]]:
    """Drop members and mirrors that do not exist or lead back to the service; return diagnostics for them.

    `nearest` returns a hint for an unknown name. If no member is left, `unserved` of the service says why it
    takes no requests.
    """
    diagnostics: list[Diagnostic] = []

    def is_usable(name: str, role: str) -> bool:
        fault = hint = ""
        if name not in graph.services:
            fault, hint = f"its {role} {name!r} does not exist and is left out", nearest(name)
        elif service.name in graph.reachable(name):
            fault = f"its {role} {name!r} leads back to it and is left out"
        if fault:
            diagnostics.append(Diagnostic(Severity.ERROR, provider, f"service {service.name}", fault, hint))
        return not fault

    members = tuple(member for member in service.members if is_usable(member.name, "service"))
    mirroring = service.mirroring
    if mirroring is not None:
        mirrors = tuple(mirror for mirror in mirroring.mirrors if is_usable(mirror.name, "mirror"))
        mirroring = replace(mirroring, mirrors=mirrors)
    if not diagnostics:
        return service, ()
    unserved = "" if members else "none of its services is available"
    return replace(service, members=members, mirroring=mirroring, unserved=unserved), tuple(diagnostics)
