"""The objects of providers that a check does not see: those that known objects name are assumed to exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from discovery.merging.entry_point_tls import EntryPointTls
from discovery.merging.redirection_targets import named_targets
from rondpoint.configuration import Configuration
from rondpoint.internal_services import SUFFIX
from rondpoint.model import Middleware, Router, ServersTransport, Service
from rondpoint.tcp.model import TcpRouter, TcpServersTransport, TcpService
from rondpoint.tls.model import TlsOptions
from rondpoint.udp.model import UdpService

_Providers = Mapping[str, Configuration]


def named_entry_points(by_provider: _Providers) -> set[str]:
    """Return the entry points for HTTP and TCP that routers, redirections and certificates name."""
    found: set[str] = set()
    for provider in by_provider.values():
        found |= {name for router in provider.routers.values() for name in router.entry_points}
        found |= {name for router in provider.tcp_routers.values() for name in router.entry_points}
        found |= set(named_targets(provider.middlewares.values()))
        found |= {name for each in provider.certificates.values() for name in each.entry_points}
    return found


def other_providers(by_provider: _Providers, tls: EntryPointTls) -> Configuration:
    """Return the objects of other providers that routers and services name."""

    def named(names: Iterable[str]) -> Iterator[str]:
        return (
            name
            for name in set(names)
            if name.rpartition("@")[2] not in by_provider and not name.endswith(SUFFIX)
        )

    def objects(section: str) -> list[Any]:
        return [item for provider in by_provider.values() for item in getattr(provider, section).values()]

    def middlewares(routers: Iterable[Router | TcpRouter]) -> dict[str, Middleware]:
        return {
            name: Middleware(name, "")
            for name in named(name for each in routers for name in each.middlewares)
        }

    routers, tcp_routers = objects("routers"), objects("tcp_routers")
    options = [*tls.options.values(), *(each.tls_options for each in (*routers, *tcp_routers))]
    transports = named(filter(None, (each.servers_transport for each in objects("services"))))
    tcp_transports = named(filter(None, (each.servers_transport for each in objects("tcp_services"))))
    udp_services = named(each.service for each in objects("udp_routers"))
    return Configuration(
        tls_options={name: TlsOptions(name) for name in named(options) if "@" in name},
        services={name: Service(name) for name in named(each.service for each in routers)},
        middlewares=middlewares(routers),
        servers_transports={name: ServersTransport(name) for name in transports},
        tcp_services={name: TcpService(name) for name in named(each.service for each in tcp_routers)},
        tcp_middlewares=middlewares(tcp_routers),
        tcp_servers_transports={name: TcpServersTransport(name) for name in tcp_transports},
        udp_services={name: UdpService(name) for name in udp_services},
    )
