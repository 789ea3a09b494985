"""Combines the contributions of several agents into one configuration per provider.

Agents are united as `discovery.merging.union` unites containers. Servers of one service come together. If
definitions of one name differ, all of them are left out, and a diagnostic names the agents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.merging.servers_transports import attach_transports
from discovery.merging.union import Union, location_of
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service
from rondpoint.store.diff import changed_objects
from rondpoint.store.sections import SECTIONS
from rondpoint.tcp.model import TcpService
from rondpoint.udp.model import UdpService

SINGLE_MACHINE_PROVIDERS = frozenset({"docker"})
"""Providers that see one machine only: on another machine, a name or an address may mean another server."""

EMPTY = Configuration()

_Service = Service | TcpService | UdpService
_SERVICE_SECTIONS = {"services": "service", "tcp_services": "TCP service", "udp_services": "UDP service"}
"""The sections with services, and the words for one."""

_Key = tuple[str, str]
"""A section and the name of a service in it."""


class Assembly:
    """Configurations by agent, combined by provider. The cost of a replacement depends on what it changes."""

    def __init__(self) -> None:
        self._by_agent: dict[str, Configuration] = {}
        self._unions: dict[str, Union] = {}
        self._changed_services: defaultdict[str, set[_Key]] = defaultdict(set)
        self._shared_addresses: defaultdict[str, dict[_Key, Diagnostic]] = defaultdict(dict)

    def replace(self, configurations: Mapping[str, Configuration]) -> None:
        """Replace all contributions with `configurations`, by agent."""
        for agent in self._by_agent.keys() - configurations.keys():
            self._replace_one(agent, EMPTY)
            del self._by_agent[agent]
        for agent, configuration in configurations.items():
            if self._by_agent.get(agent) is not configuration:
                self._replace_one(agent, configuration)
                self._by_agent[agent] = configuration

    def configurations(self) -> dict[str, Configuration]:
        """Return the combined configuration of each provider, by the provider's name."""
        return {provider: self._configuration(provider, union) for provider, union in self._unions.items()}

    def _replace_one(self, agent: str, configuration: Configuration) -> None:
        before = self._by_agent.get(agent, EMPTY)
        subject = f"agent {agent}" if agent else "the agent without a name"
        for section in SECTIONS:
            changed = changed_objects(getattr(before, section), getattr(configuration, section))
            for name, given in changed.items():
                if section in _SERVICE_SECTIONS:
                    self._changed_services[provider_name(name)].add((section, name))
                found = _with_agent_in_names(given, agent) if isinstance(given, _Service) else given
                objects: dict[str, Any] = {section: (found,)}
                decoded = None if found is None else Decoded(subject, **objects)
                self._set(provider_name(name), f"{section} {name} {agent}", decoded)
        if before.diagnostics != configuration.diagnostics:
            self._report(agent, subject, before.diagnostics, configuration.diagnostics)

    def _report(
        self, agent: str, subject: str, before: Iterable[Diagnostic], now: Iterable[Diagnostic]
    ) -> None:
        by_source: dict[str, list[Diagnostic]] = {diagnostic.source: [] for diagnostic in before}
        for diagnostic in now:
            named = replace(diagnostic, subject=f"{diagnostic.subject} of {subject}") if agent else diagnostic
            by_source.setdefault(diagnostic.source, []).append(named)
        for source, diagnostics in by_source.items():
            decoded = Decoded(subject, diagnostics=tuple(diagnostics)) if diagnostics else None
            self._set(source, f"diagnostics {agent}", decoded)

    def _set(self, provider: str, key: str, decoded: Decoded | None) -> None:
        if provider not in self._unions:
            self._unions[provider] = Union(provider)
        union = self._unions[provider]
        if decoded is None:
            union.remove(key)
        else:
            union.put(key, decoded)

    def _configuration(self, provider: str, union: Union) -> Configuration:
        configuration = union.configuration()
        if provider not in SINGLE_MACHINE_PROVIDERS:
            return configuration
        shared = self._shared_addresses[provider]
        for section, name in self._changed_services.pop(provider, ()):
            shared.pop((section, name), None)
            service = getattr(configuration, section).get(name)
            found = _shared_address(service, _SERVICE_SECTIONS[section], provider)
            if found is not None:
                shared[section, name] = found
        if not shared:
            return configuration
        warnings = tuple(shared[key] for key in sorted(shared))
        return replace(configuration, diagnostics=configuration.diagnostics + warnings)


def provider_name(name: str) -> str:
    """Return the provider in a qualified name: `docker` for `hello@docker`."""
    return name.rpartition("@")[2]


def combine_providers(configurations: Mapping[str, Configuration]) -> Configuration:
    """Combine the configurations of all providers of one agent, given by provider name."""
    sections = (*SECTIONS, "servers_transports", "tcp_servers_transports")
    found: dict[str, Any] = {section: {} for section in sections}
    diagnostics: list[Diagnostic] = []
    for _, configuration in sorted(configurations.items()):
        for section, objects in found.items():
            objects.update(getattr(configuration, section))
        diagnostics += configuration.diagnostics
    return attach_transports(Configuration(**found, diagnostics=tuple(diagnostics)))


def _with_agent_in_names(service: _Service, agent: str) -> _Service:
    """Append the agent's name to the names of servers that a single-machine provider found."""
    if not agent or provider_name(service.name) not in SINGLE_MACHINE_PROVIDERS:
        return service
    # Each kind of service has its own kind of servers.
    servers: Any = tuple(replace(server, name=f"{server.name}@{agent}") for server in service.servers)
    return replace(service, servers=servers)


def _shared_address(service: _Service | None, kind: str, provider: str) -> Diagnostic | None:
    by_location: dict[str, str] = {}
    for server in () if service is None else service.servers:
        location = location_of(server)
        other = by_location.setdefault(location, server.name)
        if service is not None and _agent_of_server(other) != _agent_of_server(server.name):
            return Diagnostic(
                Severity.WARNING,
                provider,
                f"{kind} {service.name}",
                f"servers {other} and {server.name} on two machines have the same address {location}, "
                "so a proxy reaches only one of them",
                "use addresses that are valid on all machines, for instance with "
                "providers.docker.useBindPortIP",
            )
    return None


def _agent_of_server(server: str) -> str:
    _, at, agent = server.rpartition("@")
    return agent if at else ""
