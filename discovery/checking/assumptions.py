"""The objects of providers that a check does not see: those that known objects name are assumed to exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from discovery.merging.entry_point_tls import EntryPointTls
from discovery.merging.redirection_targets import named_targets
from rondpoint.configuration import Configuration
from rondpoint.internal_services import SUFFIX
from rondpoint.model import Middleware, ServersTransport, Service
from rondpoint.tcp.model import TcpServersTransport, TcpService
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
    routers = [router for provider in by_provider.values() for router in provider.routers.values()]
    tcp_routers = [router for provider in by_provider.values() for router in provider.tcp_routers.values()]
    named_options = [*tls.options.values(), *(each.tls_options for each in routers)]
    named_options += [each.tls_options for each in tcp_routers]

    def elsewhere(names: Iterable[str]) -> Iterator[str]:
        return (
            name
            for name in set(names)
            if name.rpartition("@")[2] not in by_provider and not name.endswith(SUFFIX)
        )

    return Configuration(
        tls_options={name: TlsOptions(name) for name in elsewhere(named_options) if "@" in name},
        services={name: Service(name) for name in elsewhere(each.service for each in routers)},
        middlewares={
            name: Middleware(name, "")
            for name in elsewhere(name for each in routers for name in each.middlewares)
        },
        servers_transports={
            name: ServersTransport(name)
            for name in elsewhere(
                service.servers_transport
                for provider in by_provider.values()
                for service in provider.services.values()
                if service.servers_transport
            )
        },
        tcp_services={name: TcpService(name) for name in elsewhere(each.service for each in tcp_routers)},
        tcp_middlewares={
            name: Middleware(name, "")
            for name in elsewhere(name for each in tcp_routers for name in each.middlewares)
        },
        tcp_servers_transports={
            name: TcpServersTransport(name)
            for name in elsewhere(
                service.servers_transport
                for provider in by_provider.values()
                for service in provider.tcp_services.values()
                if service.servers_transport
            )
        },
        udp_services={
            name: UdpService(name)
            for name in elsewhere(
                router.service
                for provider in by_provider.values()
                for router in provider.udp_routers.values()
            )
        },
    )
