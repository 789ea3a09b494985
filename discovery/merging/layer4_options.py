"""The settings by which objects of TCP and UDP are merged."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from rondpoint.servers_transports.tcp_default import default_tcp_transport
from rondpoint.settings import Settings
from rondpoint.tcp.model import TcpServersTransport


class Layer4Options(Struct, frozen=True):
    """`udp_entry_points` are the names of those for UDP; None if they are unknown, so each name is valid.

    `tcp_transport` is the transport of services that name none.
    """

    udp_entry_points: Collection[str] | None = None
    tcp_transport: TcpServersTransport | None = None


NO_OPTIONS = Layer4Options()


def layer4_options(settings: Settings) -> Layer4Options:
    """Return the options of these settings."""
    return Layer4Options(frozenset(settings.udp_entry_points), default_tcp_transport(settings))
