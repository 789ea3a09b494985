"""A cluster of objects in YAML, what they are decoded to, and where requests then go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from msgspec import Struct

from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import (
    BACKEND_TLS_POLICIES,
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    GATEWAY_CLASSES,
    GATEWAYS,
    GRPC_ROUTES,
    HTTP_ROUTES,
    NAMESPACES,
    REFERENCE_GRANTS,
    SECRETS,
    SERVICES,
    TCP_ROUTES,
    TLS_ROUTES,
    UDP_ROUTES,
    Resource,
)
from discovery.merging.layer4_options import Layer4Options
from discovery.merging.merge import merge
from discovery.providers.kubernetes.definitions import Definitions
from discovery.providers.kubernetes.lookup import DecodingPolicy
from discovery.providers.kubernetes_gateway.decoder import Decoder
from discovery.providers.kubernetes_gateway.options import PROVIDER, EntryPointAddress, Options
from discovery.providers.kubernetes_gateway.roots import ROOTS
from discovery.providers.kubernetes_gateway.statuses import GatewayStatuses
from rondpoint.configuration import Configuration
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explain import explain_request
from rondpoint.explaining.explanation import Explanation
from rondpoint.explaining.tcp.connection_facts import ConnectionFacts
from rondpoint.explaining.tcp.connections import TcpConfiguration, explain_connection
from rondpoint.explaining.tcp.explanation import ConnectionDecision
from rondpoint.rules.request_facts import Facts

CONTROLLER = "traefik.io/gateway-controller"
ENTRY_POINTS = {
    "web": EntryPointAddress(80, always_tls=False),
    "secure": EntryPointAddress(443, always_tls=True),
    "other": EntryPointAddress(8080, always_tls=False),
    "datagrams": EntryPointAddress(53, udp=True),
}
WEB = tuple(name for name, address in ENTRY_POINTS.items() if not address.udp)
UDP = tuple(name for name in ENTRY_POINTS if name not in WEB)
NOW = "2026-11-30T12:00:00Z"

_RESOURCES: Mapping[str, Resource] = {
    each.kind: each
    for each in (
        *(BACKEND_TLS_POLICIES, CONFIG_MAPS, ENDPOINT_SLICES, GATEWAY_CLASSES, GATEWAYS, GRPC_ROUTES),
        *(HTTP_ROUTES, NAMESPACES, REFERENCE_GRANTS, SECRETS, SERVICES),
        *(TCP_ROUTES, TLS_ROUTES, UDP_ROUTES),
    )
}


def service(name: str, address: str, namespace: str = "default", /, **port: Any) -> str:
    """Return a service with one server, as YAML."""
    return yaml.dump_all(
        [
            {
                "kind": "Service",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80, "protocol": "TCP", **port}]},
            },
            {
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-1",
                    "namespace": namespace,
                    "labels": {"kubernetes.io/service-name": name},
                },
                "ports": [{"name": port.get("name", ""), "port": 8080}],
                "endpoints": [{"addresses": [address]}],
            },
        ]
    )


class Cluster:
    """The objects of a test, decoded by the provider."""

    def __init__(
        self,
        *documents: str,
        cross_provider_namespaces: tuple[str, ...] | None = None,
        now: str = NOW,
        experimental: bool = True,
    ) -> None:
        self.now = now
        self.objects = Objects()
        self.statuses = GatewayStatuses(
            self.objects, CONTROLLER, lambda: ({"type": "IPAddress", "value": "192.0.2.1"},), lambda: self.now
        )
        policy = DecodingPolicy(
            allow_empty_services=True, cross_provider_namespaces=cross_provider_namespaces
        )
        options = Options(CONTROLLER, ENTRY_POINTS, policy, experimental)
        others = [each for each in _RESOURCES.values() if each not in ROOTS]
        decoder = Decoder(options, self.statuses)
        self._definitions = Definitions(PROVIDER, self.objects, ROOTS, others, decoder.decode, str)
        self.apply(*documents)

    def apply(self, *documents: str) -> None:
        """Create or replace objects."""
        for item in yaml.safe_load_all("\n---\n".join(documents)):
            if item is not None:
                resource = _RESOURCES[item.pop("kind")]
                if resource.namespaced:
                    item["metadata"].setdefault("namespace", "default")
                self.objects.put(resource, item)
        self._refresh()

    def remove(self, kind: str, namespace: str, name: str) -> None:
        """Remove an object."""
        self.objects.remove(_RESOURCES[kind], namespace, name)
        self._refresh()

    def _refresh(self) -> None:
        changed = self.objects.take_changed()
        self._definitions.refresh(changed)
        self.statuses.note(changed)

    @property
    def configuration(self) -> Configuration:
        """What the provider emits."""
        return self._definitions.configuration()

    @property
    def merged(self) -> Configuration:
        """What the agent publishes."""
        return merge({PROVIDER: self.configuration}, WEB, layer4=Layer4Options(UDP))

    @property
    def texts(self) -> list[str]:
        """The diagnostics as texts."""
        return [f"{each.subject}: {each.message}" for each in self.merged.diagnostics]

    def explain(self, url: str, method: str = "GET", **headers: str) -> Explanation:
        """Explain a request; the URL's port chooses the entry point."""
        merged, parts = self.merged, urlsplit(url)
        default = 443 if parts.scheme == "https" else 80
        port = parts.port or default
        entry_point = next(name for name, address in ENTRY_POINTS.items() if address.port == port)
        active = ActiveConfiguration(
            merged.routers, merged.services, merged.middlewares, merged.diagnostics, WEB
        )
        lines = {name.replace("_", "-").lower(): (value,) for name, value in headers.items()}
        query = tuple(parse_qsl(parts.query))
        facts = Facts(parts.hostname or "", parts.path or "/", method, lines, query)
        return explain_request(active, entry_point, facts, tls=parts.scheme == "https")

    def goes_to(self, url: str, method: str = "GET", **headers: str) -> str | int:
        """Return the addresses of the servers for a request, or the status without any."""
        found = self.explain(url, method, **headers)
        if found.status:
            return found.status
        return ",".join(server.url.split("//")[1].split(":")[0] for server in found.servers)

    def connection(self, port: int, server_name: str | None = None) -> ConnectionDecision:
        """Explain a TCP connection, over TLS with a server name or, if that is None, without TLS."""
        merged = self.merged
        name = next(each for each in WEB if ENTRY_POINTS[each].port == port)
        configuration = TcpConfiguration(
            name,
            merged.tcp_routers,
            merged.tcp_services,
            merged.tcp_middlewares,
            [each for each in merged.routers.values() if each.tls and name in each.entry_points],
            WEB,
            lambda _: "",
            lambda service: service.unserved,
        )
        explained = explain_connection(configuration, ConnectionFacts(server_name or "", (), "192.0.2.9"))
        return explained.plain if server_name is None else explained.over_tls

    def connects_to(self, port: int, server_name: str | None = None) -> str:
        """Return the hosts of the servers for a connection; else `http` or `closed`."""
        found = self.connection(port, server_name)
        if found.outcome != "tcp":
            return found.outcome
        return ",".join(server.address.split(":")[0] for server in found.servers)

    def status_of(self, kind: str, name: str, namespace: str = "default") -> Mapping[str, Any]:
        """Return the status that is due for an object, or the present one."""
        resource = _RESOURCES[kind]
        namespace = namespace if resource.namespaced else ""
        item = self.objects.get(resource, namespace, name)
        assert item is not None
        for due in self.statuses.due(everything=True):
            if due.resource == resource and due.item is item:
                return due.status
        return item.get("status") or {}


class Told(Struct, frozen=True):
    """A condition without its times."""

    status: str
    reason: str


def conditions(written: Mapping[str, Any]) -> dict[str, Told]:
    """Return the conditions of a status, by type."""
    return {each["type"]: Told(each["status"], each["reason"]) for each in written["conditions"]}
