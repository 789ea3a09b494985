"""Resolves the members of composite services, once the services of all providers are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Member, Service
from rondpoint.tcp.model import TcpService
from rondpoint.udp.model import UdpService

S = TypeVar("S", TcpService, UdpService)


class ServiceGraph:
    """The graph of services and their members; each service is searched once."""

    def __init__(self, services: Mapping[str, Service | TcpService | UdpService]) -> None:
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
                left += _service_names(self.services[reachable])
        self._reachable[name] = found
        return found


def _service_names(service: Service | TcpService | UdpService) -> tuple[str, ...]:
    if isinstance(service, Service):
        return service.service_names
    return tuple(member.name for member in service.members)


def resolve_members(
    service: Service, provider: str, graph: ServiceGraph, nearest: Callable[[str], str]
) -> tuple[Service, tuple[Diagnostic, ...]]:
    """Drop members and mirrors that do not exist or lead back to the service; return diagnostics for them.

    `nearest` returns a hint for an unknown name. If no member is left, `unserved` of the service says why it
    takes no requests.
    """
    diagnostics: list[Diagnostic] = []

    def is_usable(name: str, role: str) -> bool:
        found = _fault(service.name, name, role, graph, nearest)
        if found is not None:
            diagnostics.append(Diagnostic(Severity.ERROR, provider, f"service {service.name}", *found))
        return found is None

    members = tuple(member for member in service.members if is_usable(member.name, "service"))
    mirroring = service.mirroring
    if mirroring is not None:
        mirrors = tuple(mirror for mirror in mirroring.mirrors if is_usable(mirror.name, "mirror"))
        mirroring = replace(mirroring, mirrors=mirrors)
    if not diagnostics:
        return service, ()
    unserved = "" if members else _NONE_LEFT
    return replace(service, members=members, mirroring=mirroring, unserved=unserved), tuple(diagnostics)


def resolve_all_members(
    services: dict[str, S], kind: str, nearest: Callable[[str, Collection[str]], str]
) -> Iterator[Diagnostic]:
    """Do the same for all services of TCP or UDP, and replace them; `kind` is the word for one."""
    before = dict(services)
    graph = ServiceGraph(before)
    for name, service in before.items():
        members: list[Member] = []
        for member in service.members:
            found = _fault(name, member.name, "service", graph, lambda wanted: nearest(wanted, before))
            if found is None:
                members.append(member)
            else:
                yield Diagnostic(Severity.ERROR, name.rpartition("@")[2], f"{kind} {name}", *found)
        if len(members) < len(service.members):
            unserved = "" if members else _NONE_LEFT
            services[name] = replace(service, members=tuple(members), unserved=unserved)


_NONE_LEFT = "none of its services is available"


def _fault(
    service: str, member: str, role: str, graph: ServiceGraph, nearest: Callable[[str], str]
) -> tuple[str, str] | None:
    """Return message and hint if a member cannot be used."""
    if member not in graph.services:
        return f"its {role} {member!r} does not exist and is left out", nearest(member)
    if service in graph.reachable(member):
        return f"its {role} {member!r} leads back to it and is left out", ""
    return None
