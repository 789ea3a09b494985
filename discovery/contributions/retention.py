"""Stored objects of a provider that has sent no configuration since the agent started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from discovery.health.server_states import without_faults
from rondpoint.configuration import Configuration
from rondpoint.store.state import State

T = TypeVar("T")


def retained_configuration(state: State, provider: str) -> Configuration:
    """Return the provider's objects in `state`, with the server states that the provider gave them."""
    suffix = f"@{provider}"
    transports = {
        service.servers_transport: service.transport
        for service in state.services.values()
        if service.transport is not None and service.servers_transport.endswith(suffix)
    }
    tcp_transports = {
        service.servers_transport: service.transport
        for service in state.tcp_services.values()
        if service.transport is not None and service.servers_transport.endswith(suffix)
    }
    tcp_services = _with_suffix(state.tcp_services, suffix)
    return Configuration(
        _with_suffix(state.routers, suffix),
        {name: without_faults(service) for name, service in _with_suffix(state.services, suffix).items()},
        _with_suffix(state.middlewares, suffix),
        servers_transports=transports,
        tls_options=_with_suffix(state.tls_options, suffix),
        certificates=_with_suffix(state.certificates, suffix),
        tcp_routers=_with_suffix(state.tcp_routers, suffix),
        tcp_services={name: without_faults(service) for name, service in tcp_services.items()},
        tcp_middlewares=_with_suffix(state.tcp_middlewares, suffix),
        tcp_servers_transports=tcp_transports,
        udp_routers=_with_suffix(state.udp_routers, suffix),
        udp_services=_with_suffix(state.udp_services, suffix),
    )


def _with_suffix(objects: Mapping[str, T], suffix: str) -> dict[str, T]:
    return {name: value for name, value in objects.items() if name.endswith(suffix)}
