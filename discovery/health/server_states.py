"""Applies the faults that health checks found to the states of servers; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from discovery.health.check_plan import ServerKey, tcp_url
from discovery.health.grpc_check import METHOD_PATH
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import HealthCheck, Server, ServerState, Service
from rondpoint.store.state import State
from rondpoint.tcp.model import TcpHealthCheck, TcpServer, TcpService

NOT_PROBED_YET = "it was down when this agent started, and has not been probed since"

S = TypeVar("S", Service, TcpService)


def apply_faults(configuration: Configuration, faults: Mapping[ServerKey, str]) -> Configuration:
    """Return the configuration with each server that has a fault down, and a diagnostic for each of them.

    Objects that do not change stay the same. Faults of a service that no longer has a health check are
    ignored.
    """
    if not faults:
        return configuration
    names = dict.fromkeys(service for service, _ in faults)
    diagnostics: list[Diagnostic] = []
    changed = dict(_changed(names, configuration.services, faults, diagnostics))
    changed_tcp = dict(_changed(names, configuration.tcp_services, faults, diagnostics))
    if not changed and not changed_tcp:
        return configuration
    return msgspec.structs.replace(
        configuration,
        services={**configuration.services, **changed} if changed else configuration.services,
        tcp_services={**configuration.tcp_services, **changed_tcp}
        if changed_tcp
        else configuration.tcp_services,
        diagnostics=(*configuration.diagnostics, *diagnostics),
    )


def _changed(
    names: Iterable[str],
    services: Mapping[str, S],
    faults: Mapping[ServerKey, str],
    diagnostics: list[Diagnostic],
) -> Iterator[tuple[str, S]]:
    """Yield the services of these names with servers that go down, and add the diagnostics."""
    for name in names:
        service = services.get(name)
        if service is None or service.health_check is None:
            continue
        servers: list[Any] = []
        for server in service.servers:
            reason = faults.get((name, url_of(server)))
            if reason is None or server.state is not ServerState.UP:
                servers.append(server)
                continue
            servers.append(msgspec.structs.replace(server, state=ServerState.DOWN))
            diagnostics.append(_diagnostic(service, url_of(server), reason))
        if any(one is not other for one, other in zip(servers, service.servers, strict=True)):
            yield name, msgspec.structs.replace(service, servers=tuple(servers))


def url_of(server: Server | TcpServer) -> str:
    """Return the URL of a server in its key."""
    return server.url if isinstance(server, Server) else tcp_url(server)


def without_faults(service: S) -> S:
    """Return the service as it was before `apply_faults`."""
    if all(server.state is not ServerState.DOWN for server in service.servers):
        return service
    # Each kind of service has its own kind of servers.
    servers: Any = tuple(
        msgspec.structs.replace(server, state=ServerState.UP) if server.state is ServerState.DOWN else server
        for server in service.servers
    )
    return msgspec.structs.replace(service, servers=servers)


def stored_faults(state: State) -> dict[ServerKey, str]:
    """Return a fault for each server that is down in the store, for an agent that takes over."""
    services: tuple[Service | TcpService, ...] = (*state.services.values(), *state.tcp_services.values())
    return {
        (service.name, url_of(server)): NOT_PROBED_YET
        for service in services
        if service.health_check is not None
        for server in service.servers
        if server.state is ServerState.DOWN
    }


def _diagnostic(service: Service | TcpService, url: str, reason: str) -> Diagnostic:
    check = service.health_check
    assert check is not None  # noqa: S101 - the caller has looked
    again = check.interval if check.unhealthy_interval is None else check.unhealthy_interval
    kind, takes = ("service", "requests") if isinstance(service, Service) else ("TCP service", "connections")
    return Diagnostic(
        Severity.WARNING,
        service.name.rpartition("@")[2],
        f"{kind} {service.name}",
        f"server {url} is down: {reason}",
        f"it takes {takes} again once it passes its check: {_described(check)}, every {again:g} s",
    )


def _described(check: HealthCheck | TcpHealthCheck) -> str:
    if isinstance(check, TcpHealthCheck):
        return "a response to what is sent" if check.expect else "a connection"
    return f"gRPC {METHOD_PATH}" if check.mode == "grpc" else f"{check.method} {check.path or '/'}"
