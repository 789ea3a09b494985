"""Services made of services, once all providers' are known: what leads nowhere is left out, and told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service


class Paths:
    """Which of `services` are made of which; looked for once for each."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.services = services
        self._reached: dict[str, Collection[str]] = {}

    def reached(self, name: str) -> Collection[str]:
        """The service of this name, and all that it is made of."""
        known = self._reached.get(name)
        if known is not None:
            return known
        found: set[str] = set()
        left = [name]
        while left:
            reached = left.pop()
            if reached not in found and reached in self.services:
                found.add(reached)
                left += (member.name for member in self.services[reached].members)
        self._reached[name] = found
        return found


def resolve_members(
    service: Service, provider: str, paths: Paths, nearest: Callable[[str], str]
) -> tuple[Service, tuple[Diagnostic, ...]]:
    """The service without members that do not exist, or that lead back to it; what is wrong, with a hint that
    `nearest` has for a name. Without any left the service says itself that it takes no requests.
    """
    findings = []
    kept = []
    for member in service.members:
        fault = hint = ""
        if member.name not in paths.services:
            fault, hint = f"its service {member.name!r} does not exist, and is left out", nearest(member.name)
        elif service.name in paths.reached(member.name):
            fault = f"its service {member.name!r} leads back to it, and is left out"
        if fault:
            findings.append(Diagnostic(Severity.ERROR, provider, f"service {service.name}", fault, hint))
        else:
            kept.append(member)
    if len(kept) == len(service.members):
        return service, ()
    unserved = "" if kept else "none of the services that it is made of can be had"
    return replace(service, members=tuple(kept), unserved=unserved), tuple(findings)
