"""Puts servers transports into the services that refer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import ServersTransport, Service


def attach_transports(configuration: Configuration) -> Configuration:
    """Return the configuration with its transports in those of its services that name them.

    The store holds no transports, so the contribution of an agent has to contain them this way. A service
    that names a transport of another provider stays as it is, for the leader to resolve.
    """
    transports, tcp_transports = configuration.servers_transports, configuration.tcp_servers_transports
    if transports:
        attached = {
            name: replace(service, transport=transports[service.servers_transport])
            for name, service in configuration.services.items()
            if service.servers_transport in transports
        }
        configuration = replace(configuration, services={**configuration.services, **attached})
    if tcp_transports:
        tcp_attached = {
            name: replace(service, transport=tcp_transports[service.servers_transport])
            for name, service in configuration.tcp_services.items()
            if service.servers_transport in tcp_transports
        }
        tcp_services = {**configuration.tcp_services, **tcp_attached}
        configuration = replace(configuration, tcp_services=tcp_services)
    return configuration


def resolve_transports(
    services: dict[str, Service],
    transports: Mapping[str, ServersTransport],
    nearest: Callable[[str], str],
) -> Iterator[Diagnostic]:
    """Put its transport into each service that names one, and yield the diagnostics.

    If there is no such transport, or it cannot be used, the service loses its servers: requests must not
    reach them with weaker checks than the service asks for. A service that contains its transport already,
    as one of a contribution does, keeps it if no provider defines the name.
    """
    for name, service in list(services.items()):
        wanted = service.servers_transport
        if not wanted or service.unserved:
            continue
        transport = transports.get(wanted, service.transport)
        if transport is None:
            message = f"serversTransport {wanted!r} does not exist, so requests get a 503 response"
            subject = f"service {name}"
            source = name.rpartition("@")[2]
            yield Diagnostic(Severity.ERROR, source, subject, message, nearest(wanted))
            services[name] = _close(service, f"its serversTransport {wanted} does not exist")
        elif transport.unserved:
            services[name] = _close(service, f"its serversTransport {wanted}: {transport.unserved}")
        elif transport != service.transport:
            services[name] = replace(service, transport=transport)


def _close(service: Service, reason: str) -> Service:
    return replace(service, servers=(), transport=None, unserved=reason)
