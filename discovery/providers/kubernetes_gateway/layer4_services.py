"""Services of TCP and UDP for the backends of routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discovery.decoding.names import qualify
from discovery.providers.kubernetes.lookup import Cluster, DecodingPolicy
from discovery.providers.kubernetes_gateway.backend_tls import backend_transport
from discovery.providers.kubernetes_gateway.options import PROVIDER
from discovery.providers.kubernetes_gateway.service_references import (
    Layer4Kind,
    Transport,
    read_service_reference,
    servers_of,
)
from rondpoint.model import Member
from rondpoint.tcp.model import TcpServer, TcpServersTransport, TcpService
from rondpoint.udp.model import UdpServer, UdpService


class Layer4Services:
    """The services of one route, all of TCP or all of UDP, by qualified name."""

    def __init__(self, transport: Transport) -> None:
        self._transport: Transport = transport
        self.tcp: dict[str, TcpService] = {}
        self.udp: dict[str, UdpService] = {}
        self.transports: dict[str, TcpServersTransport] = {}

    def read(
        self,
        name: str,
        backend: Mapping[str, Any],
        kind: Layer4Kind,
        namespace: str,
        policy: DecodingPolicy,
        cluster: Cluster,
        *,
        passthrough: bool,
    ) -> str:
        """Define the service of a backend, and return its qualified name. Raises BackendFaultError.

        A service without a ready endpoint refuses its share, as the Gateway API demands. With `passthrough`,
        clients speak TLS with the servers, so that the proxy does not.
        """
        qualified = qualify(name, PROVIDER)
        found = read_service_reference(backend, kind, namespace, self._transport, cluster)
        servers = servers_of(found, "http", policy, cluster)
        if self._transport == "UDP":
            self.udp[qualified] = UdpService(
                qualified,
                tuple(
                    UdpServer(UdpServer("", each.host, each.port).address, each.host, each.port, each.state)
                    for each in servers
                ),
                refuses=not servers,
            )
            return qualified
        tls = None if passthrough else backend_transport(found, qualified, cluster)
        if tls is not None:
            self.transports[qualified] = TcpServersTransport(qualified, tls=tls)
        self.tcp[qualified] = TcpService(
            qualified,
            tuple(
                TcpServer(
                    TcpServer("", each.host, each.port).address,
                    each.host,
                    each.port,
                    tls is not None,
                    each.state,
                )
                for each in servers
            ),
            servers_transport="" if tls is None else qualified,
            refuses=not servers,
        )
        return qualified

    def refuse(self, name: str, reason: str) -> str:
        """Define a service that closes its connections, and return its qualified name."""
        qualified = qualify(name, PROVIDER)
        if self._transport == "UDP":
            self.udp[qualified] = UdpService(qualified, unserved=reason, refuses=True)
        else:
            self.tcp[qualified] = TcpService(qualified, unserved=reason, refuses=True)
        return qualified

    def distribute(self, name: str, members: tuple[Member, ...]) -> str:
        """Define a service that distributes by weight, and return its qualified name."""
        qualified = qualify(name, PROVIDER)
        if self._transport == "UDP":
            self.udp[qualified] = UdpService(qualified, members=members)
        else:
            self.tcp[qualified] = TcpService(qualified, members=members)
        return qualified
