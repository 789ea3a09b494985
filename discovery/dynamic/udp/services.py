"""Decodes services of the `udp` section."""

from __future__ import annotations

from collections.abc import Callable, Collection

from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic import layer4_services
from discovery.dynamic.layer4_services import decode_kind
from discovery.dynamic.server_addresses import read_address, unique_name
from rondpoint.udp.model import UdpServer, UdpService

ServersReader = Callable[[Section], tuple[UdpServer, ...] | None]
"""Reads the servers of a `loadBalancer` section; reports an error and returns None if it is invalid."""


def decode_service(
    name: str, section: Section, provider: str, read_servers: ServersReader
) -> UdpService | None:
    """Decode the service `name`; report an error and return None if its servers are missing or invalid."""
    qualified = qualify(name, provider)

    def decode_balancer(balancer: Section) -> UdpService | None:
        servers = read_servers(balancer)
        balancer.finish()
        return None if servers is None else UdpService(qualified, servers)

    return decode_kind(UdpService(qualified), section, provider, decode_balancer)


def read_file_servers(balancer: Section) -> tuple[UdpServer, ...]:
    """Read `servers` with `address`; report and skip servers with an invalid one."""
    return layer4_services.read_servers(balancer, _read_server, "datagrams are dropped")


def _read_server(section: Section, taken: Collection[str]) -> UdpServer | None:
    address = read_address(section)
    section.finish()
    if address is None:
        return None
    return UdpServer(unique_name(UdpServer("", *address).address, taken), *address)
