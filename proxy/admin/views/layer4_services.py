"""What services of TCP and UDP have in common in Traefik 3's API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from proxy.admin.views.services import DOWN, LOAD_BALANCER, UP
from rondpoint.model import Member, ServerState
from rondpoint.tcp.model import TcpServer, TcpService
from rondpoint.udp.model import UdpServer, UdpService

WEIGHTED = "weighted"


class WeightedMemberView(Struct, frozen=True):
    name: str
    weight: int


class WeightedView(Struct, frozen=True, omit_defaults=True):
    """Member services; each connection or session goes to one of them, by weight."""

    services: tuple[WeightedMemberView, ...] = ()


class NamedAddressView(Struct, frozen=True):
    """A server with its name and state (such as `draining`), which Traefik's API does not have."""

    name: str
    address: str
    state: str


def type_of(service: TcpService | UdpService) -> str:
    """Return the type as in Traefik's API."""
    return WEIGHTED if service.members else LOAD_BALANCER


def weighted_view(members: Iterable[Member]) -> WeightedView:
    """Return the view of the members of a composite service."""
    return WeightedView(tuple(WeightedMemberView(member.name, member.weight) for member in members))


def named_addresses(servers: Sequence[TcpServer] | Sequence[UdpServer]) -> tuple[NamedAddressView, ...]:
    """Return the servers with names and states."""
    return tuple(NamedAddressView(server.name, server.address, server.state.value) for server in servers)


def statuses_by_address(servers: Sequence[TcpServer] | Sequence[UdpServer]) -> dict[str, str]:
    """Return `UP`, or `DOWN` for a server that takes nothing new, by address."""
    return {server.address: UP if server.state is ServerState.UP else DOWN for server in servers}
