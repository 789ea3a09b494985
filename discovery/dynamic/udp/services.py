"""Decodes services of the `udp` section."""

from __future__ import annotations

from collections.abc import Callable

from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.composite import read_members
from discovery.dynamic.server_addresses import read_address, unique_name
from rondpoint.udp.model import UdpServer, UdpService

_KINDS = ("weighted", "loadBalancer")

ServersReader = Callable[[Section], tuple[UdpServer, ...] | None]
"""Reads the servers of a `loadBalancer` section; reports an error and returns None if it is invalid."""


def decode_service(
    name: str, section: Section, provider: str, read_servers: ServersReader
) -> UdpService | None:
    """Decode the service `name`; report an error and return None if its servers are missing or invalid."""
    report = section.report
    qualified = qualify(name, provider)
    kinds = [kind for kind in _KINDS if section.has(kind)]
    balancer, weighted = section.section("loadBalancer"), section.section("weighted")
    service: UdpService | None = None
    if len(kinds) > 1:
        hint = "define one service for each"
        report.error(f"{report.at(section.path)} has several kinds: {', '.join(kinds)}", hint)
        service = UdpService(qualified, unserved="it has several kinds")
    elif balancer is not None:
        servers = read_servers(balancer)
        balancer.finish()
        service = None if servers is None else UdpService(qualified, servers)
    elif weighted is not None:
        members = tuple(read_members(weighted, provider))
        weighted.finish()
        service = UdpService(qualified, members=members, unserved="" if members else "it names no services")
    elif kinds:
        service = UdpService(qualified, unserved=f"its {kinds[0]} cannot be read")
    else:
        report.error(f"{report.at(section.path)} has no servers", "expected loadBalancer")
    section.finish()
    return service


def read_file_servers(balancer: Section) -> tuple[UdpServer, ...]:
    """Read `servers` with `address`; report and skip servers with an invalid one."""
    found: dict[str, UdpServer] = {}
    for section in balancer.items("servers"):
        address = read_address(section)
        section.finish()
        if address is not None:
            name = unique_name(UdpServer("", *address).address, found)
            found[name] = UdpServer(name, *address)
    if not found:
        report = balancer.report
        report.warning(f"{report.at(balancer.path)} has no servers", "datagrams are dropped")
    return tuple(found[name] for name in sorted(found))
