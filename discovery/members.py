"""Services made of services, once all providers' are known: what leads nowhere is left out, and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service


def resolve_members(
    service: Service, provider: str, services: Mapping[str, Service], nearest: Callable[[str], str]
) -> tuple[Service, tuple[Diagnostic, ...]]:
    """The service without members that do not exist, or that lead back to it; what is wrong, with a hint that
    `nearest` has for a name. Without any left the service says itself that it takes no requests.
    """
    findings = []
    kept = []
    for member in service.members:
        fault = hint = ""
        if member.name not in services:
            fault, hint = f"its service {member.name!r} does not exist, and is left out", nearest(member.name)
        elif service.name in _reached(member.name, services):
            fault = f"its service {member.name!r} leads back to it, and is left out"
        if fault:
            findings.append(Diagnostic(Severity.ERROR, provider, f"service {service.name}", fault, hint))
        else:
            kept.append(member)
    if len(kept) == len(service.members):
        return service, ()
    unserved = "" if kept else "none of the services that it is made of can be had"
    return replace(service, members=tuple(kept), unserved=unserved), tuple(findings)


def _reached(name: str, services: Mapping[str, Service]) -> set[str]:
    """The service of this name, and all that it is made of."""
    found: set[str] = set()
    left = [name]
    while left:
        reached = left.pop()
        if reached not in found and reached in services:
            found.add(reached)
            left += (member.name for member in services[reached].members)
    return found
