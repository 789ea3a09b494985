"""What services of the sections `tcp` and `udp` have in common: their kinds, and their servers in files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from msgspec.structs import replace

from discovery.decoding.section import Section
from discovery.dynamic.composite import read_members
from rondpoint.tcp.model import TcpServer, TcpService
from rondpoint.udp.model import UdpServer, UdpService

Service = TypeVar("Service", TcpService, UdpService)
Server = TypeVar("Server", TcpServer, UdpServer)

_KINDS = ("weighted", "loadBalancer")


def decode_kind(
    empty: Service,
    section: Section,
    provider: str,
    decode_balancer: Callable[[Section], Service | None],
    *,
    without_effect: Collection[str] = (),
) -> Service | None:
    """Decode a service from the kind that its section has; `empty` has its name alone.

    `without_effect` are options of `weighted` that are known and do nothing. Report a service of no kind or
    of several; the `unserved` of a service that takes nothing says why.
    """
    report = section.report
    kinds = [kind for kind in _KINDS if section.has(kind)]
    balancer, weighted = section.section("loadBalancer"), section.section("weighted")
    service: Service | None = None
    if len(kinds) > 1:
        hint = "define one service for each"
        report.error(f"{report.at(section.path)} has several kinds: {', '.join(kinds)}", hint)
        service = replace(empty, unserved="it has several kinds")
    elif balancer is not None:
        service = decode_balancer(balancer)
    elif weighted is not None:
        members = tuple(read_members(weighted, provider))
        for option in without_effect:
            weighted.has(option)
        weighted.finish()
        service = replace(empty, members=members, unserved="" if members else "it names no services")
    elif kinds:
        service = replace(empty, unserved=f"its {kinds[0]} cannot be read")
    else:
        report.error(f"{report.at(section.path)} has no servers", "expected loadBalancer")
    section.finish()
    return service


def read_servers(
    balancer: Section, read_server: Callable[[Section, Collection[str]], Server | None], outcome: str
) -> tuple[Server, ...]:
    """Read `servers`, sorted by name; skip those that `read_server` reports as invalid.

    It gets the names that are taken. `outcome` is what happens without any server.
    """
    found: dict[str, Server] = {}
    for section in balancer.items("servers"):
        server = read_server(section, found)
        if server is not None:
            found[server.name] = server
    if not found:
        report = balancer.report
        report.warning(f"{report.at(balancer.path)} has no servers", outcome)
    return tuple(found[name] for name in sorted(found))
