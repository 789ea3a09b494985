"""The protocols of listeners: the kinds of routes that they take, and which of them may share a port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from discovery.providers.kubernetes_gateway.conditions import CONFLICTED, Condition

Layer = Literal["http", "tls", "tcp", "udp"]
"""What a listener sees first of a client: plain HTTP, TLS, bytes of any kind, or datagrams."""

_WITH_HOSTNAMES = ("http", "tls")


class Protocol(Struct, frozen=True):
    """The `kinds` of routes that listeners of a protocol take, and their layer."""

    kinds: tuple[str, ...]
    layer: Layer
    experimental: bool = False

    @property
    def has_hostnames(self) -> bool:
        """Whether connections name a host, so that listeners may have different ones."""
        return self.layer in _WITH_HOSTNAMES


_HTTP_KINDS = ("HTTPRoute", "GRPCRoute")
PROTOCOLS: Mapping[str, Protocol] = {
    "HTTP": Protocol(_HTTP_KINDS, "http"),
    "HTTPS": Protocol(_HTTP_KINDS, "tls"),
    "TLS": Protocol(("TLSRoute",), "tls"),
    "TCP": Protocol(("TCPRoute",), "tcp", experimental=True),
    "UDP": Protocol(("UDPRoute",), "udp", experimental=True),
}


class Places:
    """The ports and hostnames that the listeners of one Gateway have; the first listener keeps its place."""

    def __init__(self) -> None:
        self._layers: dict[int, set[Layer]] = {}
        self._taken: set[tuple[int, Layer, str]] = set()

    def take(self, port: int, protocol: Protocol, hostname: str) -> Condition | None:
        """Take a place; return the conflict if an earlier listener has it, or takes all of its port."""
        layer = protocol.layer
        if layer != "udp":
            layers = self._layers.setdefault(port, set())
            if any((each == "tcp") != (layer == "tcp") for each in layers):
                message = "another listener of the port has a protocol that cannot share it"
                return Condition(CONFLICTED, True, "ProtocolConflict", message)
            layers.add(layer)
        place = (port, layer, hostname.lower())
        if place in self._taken:
            message = "another listener has the same port, protocol and hostname"
            return Condition(CONFLICTED, True, "HostnameConflict", message)
        self._taken.add(place)
        return None
