"""What several agents say, made into one configuration of each provider.

Agents are to the installation what containers are to a provider: servers of one service come together, and
where definitions differ all of them go and it is said who gave them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.merging.union import Union
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration, Middleware, Router, Service
from rondpoint.store.diff import changes

T = TypeVar("T", Router, Service, Middleware)

OF_ONE_MACHINE = frozenset({"docker"})
"""Providers that see one machine each: a name, or an address, may mean another server on another one."""

NOTHING = Configuration()


class Assembly:
    """Configurations by agent, and by provider what they come to. Replacing one costs what it changes."""

    def __init__(self) -> None:
        self._said: dict[str, Configuration] = {}
        self._unions: dict[str, Union] = {}
        self._touched: defaultdict[str, set[str]] = defaultdict(set)
        self._shared: defaultdict[str, dict[str, Diagnostic]] = defaultdict(dict)

    def replace(self, said: Mapping[str, Configuration]) -> None:
        """Take these agents' configurations in place of all there were."""
        for agent in self._said.keys() - said.keys():
            self._put(agent, NOTHING)
            del self._said[agent]
        for agent, configuration in said.items():
            if self._said.get(agent) is not configuration:
                self._put(agent, configuration)
                self._said[agent] = configuration

    def configurations(self) -> dict[str, Configuration]:
        """What all say together, by provider."""
        return {provider: self._configuration(provider, union) for provider, union in self._unions.items()}

    def _put(self, agent: str, configuration: Configuration) -> None:
        before = self._said.get(agent, NOTHING)
        subject = f"agent {agent}" if agent else "the agent without a name"
        for name, router in changes(before.routers, configuration.routers).items():
            part = None if router is None else Decoded(subject, routers=(router,))
            self._define(agent, "router", name, part)
        for name, middleware in changes(before.middlewares, configuration.middlewares).items():
            part = None if middleware is None else Decoded(subject, middlewares=(middleware,))
            self._define(agent, "middleware", name, part)
        for name, service in changes(before.services, configuration.services).items():
            self._touched[provider_of(name)].add(name)
            part = None if service is None else Decoded(subject, services=(_named(service, agent),))
            self._define(agent, "service", name, part)
        if before.diagnostics != configuration.diagnostics:
            self._report(agent, subject, before.diagnostics, configuration.diagnostics)

    def _define(self, agent: str, kind: str, name: str, part: Decoded | None) -> None:
        self._set(provider_of(name), f"{kind} {name} {agent}", part)

    def _report(
        self, agent: str, subject: str, before: Iterable[Diagnostic], now: Iterable[Diagnostic]
    ) -> None:
        found: dict[str, list[Diagnostic]] = {diagnostic.source: [] for diagnostic in before}
        for diagnostic in now:
            said = replace(diagnostic, subject=f"{diagnostic.subject} of {subject}") if agent else diagnostic
            found.setdefault(diagnostic.source, []).append(said)
        for source, diagnostics in found.items():
            part = Decoded(subject, diagnostics=tuple(diagnostics)) if diagnostics else None
            self._set(source, f"diagnostics {agent}", part)

    def _set(self, provider: str, key: str, part: Decoded | None) -> None:
        if provider not in self._unions:
            self._unions[provider] = Union(provider)
        union = self._unions[provider]
        if part is None:
            union.remove(key)
        else:
            union.put(key, part)

    def _configuration(self, provider: str, union: Union) -> Configuration:
        configuration = union.configuration()
        if provider not in OF_ONE_MACHINE:
            return configuration
        shared = self._shared[provider]
        for name in self._touched.pop(provider, ()):
            shared.pop(name, None)
            found = _shared_address(configuration.services.get(name), provider)
            if found is not None:
                shared[name] = found
        told = tuple(shared[name] for name in sorted(shared))
        return replace(configuration, diagnostics=configuration.diagnostics + told) if told else configuration


def provider_of(name: str) -> str:
    """Whose object it is, by its qualified name."""
    return name.rpartition("@")[2]


def gathered(configurations: Mapping[str, Configuration]) -> Configuration:
    """What one agent says, from all its providers."""
    routers: dict[str, Router] = {}
    services: dict[str, Service] = {}
    middlewares: dict[str, Middleware] = {}
    diagnostics: list[Diagnostic] = []
    for _, configuration in sorted(configurations.items()):
        routers.update(configuration.routers)
        services.update(configuration.services)
        middlewares.update(configuration.middlewares)
        diagnostics += configuration.diagnostics
    return Configuration(routers, services, middlewares, tuple(diagnostics))


def _named(service: Service, agent: str) -> Service:
    """The service with its servers' names told apart from those of other machines."""
    if not agent or provider_of(service.name) not in OF_ONE_MACHINE:
        return service
    servers = tuple(replace(server, name=f"{server.name}@{agent}") for server in service.servers)
    return replace(service, servers=servers)


def _shared_address(service: Service | None, provider: str) -> Diagnostic | None:
    by_url: dict[str, str] = {}
    for server in () if service is None else service.servers:
        other = by_url.setdefault(server.url, server.name)
        if service is not None and _machine(other) != _machine(server.name):
            return Diagnostic(
                Severity.WARNING,
                provider,
                f"service {service.name}",
                f"servers {other} and {server.name}, of two machines, have the same address {server.url}: "
                "a proxy reaches only one of them there",
                "use addresses that hold on all machines, as with providers.docker.useBindPortIP",
            )
    return None


def _machine(server: str) -> str:
    _, at, agent = server.rpartition("@")
    return agent if at else ""
