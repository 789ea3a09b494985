"""Publishes UDP routers and services to a running proxy."""

from __future__ import annotations

from msgspec.structs import replace

from rondpoint.configuration import Configuration
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService
from tests.lab.udp import UdpEcho
from tests.proxy.running import Proxy


class UdpRoutes:
    """What a test has published; `publish` returns once all workers have it in force."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.routers: dict[str, UdpRouter] = {}
        self.services: dict[str, UdpService] = {}
        self._client = connect(proxy.store.url)
        self._publisher = Publisher(self._client, Keys())

    def close(self) -> None:
        self._client.close()

    def withdraw(self) -> None:
        """Publish an empty configuration, which ends all sessions, and close."""
        self._publisher.publish(Configuration())
        self.close()

    def route(self, *servers: UdpEcho, entry_point: str = "udp", name: str = "echo@test") -> str:
        """Route the entry point to these servers, and return the name of router and service."""
        self.services[name] = UdpService(name, tuple(map(udp_server, servers)))
        self.routers[name] = UdpRouter(name, name, (entry_point,))
        self.publish()
        return name

    def change(self, name: str, **options: object) -> None:
        """Change options of a service."""
        self.services[name] = replace(self.services[name], **options)
        self.publish()

    def publish(self) -> None:
        seen = len(self._proxy.process.log)
        configuration = Configuration(udp_routers=self.routers, udp_services=self.services)
        self._proxy.wait_for(self._publisher.publish(configuration), after=seen)


def udp_server(server: UdpEcho) -> UdpServer:
    return UdpServer(server.name, server.host, server.port)
