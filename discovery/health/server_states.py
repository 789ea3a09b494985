"""Applies the faults that health checks found to the states of servers; pure functions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from discovery.health.check_plan import ServerKey
from discovery.health.grpc_check import METHOD_PATH
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import HealthCheck, Server, ServerState, Service
from rondpoint.store.state import State

NOT_PROBED_YET = "it was down when this agent started, and has not been probed since"


def apply_faults(configuration: Configuration, faults: Mapping[ServerKey, str]) -> Configuration:
    """Return the configuration with each server that has a fault down, and a diagnostic for each of them.

    Objects that do not change stay the same. Faults of a service that no longer has a health check are
    ignored.
    """
    if not faults:
        return configuration
    changed: dict[str, Service] = {}
    diagnostics: list[Diagnostic] = []
    for name in dict.fromkeys(service for service, _ in faults):
        service = configuration.services.get(name)
        if service is None or service.health_check is None:
            continue
        servers = []
        for server in service.servers:
            reason = faults.get((name, server.url))
            if reason is None or server.state is not ServerState.UP:
                servers.append(server)
                continue
            servers.append(msgspec.structs.replace(server, state=ServerState.DOWN))
            diagnostics.append(_diagnostic(service, server, service.health_check, reason))
        if any(one is not other for one, other in zip(servers, service.servers, strict=True)):
            changed[name] = msgspec.structs.replace(service, servers=tuple(servers))
    if not changed:
        return configuration
    return msgspec.structs.replace(
        configuration,
        services={**configuration.services, **changed},
        diagnostics=(*configuration.diagnostics, *diagnostics),
    )


def without_faults(service: Service) -> Service:
    """Return the service as it was before `apply_faults`."""
    if all(server.state is not ServerState.DOWN for server in service.servers):
        return service
    servers = tuple(
        msgspec.structs.replace(server, state=ServerState.UP) if server.state is ServerState.DOWN else server
        for server in service.servers
    )
    return msgspec.structs.replace(service, servers=servers)


def stored_faults(state: State) -> dict[ServerKey, str]:
    """Return a fault for each server that is down in the store, for an agent that takes over."""
    return {
        (service.name, server.url): NOT_PROBED_YET
        for service in state.services.values()
        if service.health_check is not None
        for server in service.servers
        if server.state is ServerState.DOWN
    }


def _diagnostic(service: Service, server: Server, check: HealthCheck, reason: str) -> Diagnostic:
    again = check.interval if check.unhealthy_interval is None else check.unhealthy_interval
    return Diagnostic(
        Severity.WARNING,
        service.name.rpartition("@")[2],
        f"service {service.name}",
        f"server {server.url} is down: {reason}",
        f"it takes requests again once it passes its check: {_described(check)}, every {again:g} s",
    )


def _described(check: HealthCheck) -> str:
    return f"gRPC {METHOD_PATH}" if check.mode == "grpc" else f"{check.method} {check.path or '/'}"
