"""Finds the servers behind a port of a Kubernetes service."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from discovery.providers.kubernetes.core_objects import (
    KubernetesService,
    ServicePort,
    read_endpoint_slice,
    read_node,
    read_service,
)
from discovery.providers.kubernetes.lookup import Cluster, DecodingPolicy
from rondpoint.model import Scheme, Server, ServerState

_EXTERNAL_NAME = "ExternalName"
_HEADLESS = ("", "None")
_NODE_ADDRESS = "InternalIP"
_HTTPS_PORT = 443


class NoServersError(ValueError):
    """A service has no servers: the message says why, `hint` what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Target(Struct, frozen=True):
    """A port of a service, and how its servers are reached.

    `port` is a number or a name; of several ports with this number, one of the `protocol` counts. Without a
    `scheme`, `https` is for port 443 and ports named `https…`. `native_lb` is None for the default of the
    settings.
    """

    namespace: str
    name: str
    port: int | str
    scheme: Scheme | None = None
    native_lb: bool | None = None
    node_port_lb: bool = False
    has_health_check: bool = False
    protocol: str = "TCP"

    @property
    def service(self) -> str:
        """The service's name for messages."""
        return f"service {self.namespace}/{self.name}"


def find_servers(target: Target, policy: DecodingPolicy, cluster: Cluster) -> tuple[Server, ...]:
    """Return the servers, ordered by name: pods, nodes, or the service's own address.

    Raises NoServersError if there are none, unless the settings allow services without servers.
    """
    service = read_service(cluster.find("Service", target.namespace, target.name))
    if service is None:
        raise NoServersError(f"the {target.service} does not exist")
    port = _find_port(service, target)
    scheme = target.scheme or _default_scheme(port)
    if service.spec.type == _EXTERNAL_NAME:
        if not policy.allow_external_name_services:
            hint = (
                f"set {policy.option_prefix}allowExternalNameServices, if every namespace may name any host"
            )
            raise NoServersError(f"the {target.service} is of type ExternalName, which is not allowed", hint)
        return (_server(service.spec.external_name, port.port, scheme),)
    if target.has_health_check:
        # As in Traefik: Kubernetes itself checks pods.
        raise NoServersError(
            f"the {target.service} is not of type ExternalName, the only one with a healthCheck",
            "take healthCheck out, and give the pods a readiness probe",
        )
    if policy.native_lb_by_default if target.native_lb is None else target.native_lb:
        if service.spec.cluster_ip in _HEADLESS:
            raise NoServersError(f"the {target.service} has no cluster IP", "take nativeLB out")
        return (_server(service.spec.cluster_ip, port.port, scheme),)
    if service.spec.type == "NodePort" and target.node_port_lb:
        found = _node_servers(port, scheme, policy, cluster)
    else:
        found = _pod_servers(target, port, scheme, cluster)
    if not found and not policy.allow_empty_services:
        hint = f"start its pods, or set {policy.option_prefix}allowEmptyServices to respond with 503"
        raise NoServersError(f"the {target.service} has no ready endpoints", hint)
    return tuple(sorted(found, key=lambda server: server.name))


def _find_port(service: KubernetesService, target: Target) -> ServicePort:
    if not target.port:
        raise NoServersError(f"no port of the {target.service} is named", "give port, its number or name")
    ports = service.spec.ports or ()
    named = [port for port in ports if target.port in (port.port, port.name)]
    if named:
        # The order stays if none or all of them have the protocol.
        return min(named, key=lambda port: port.protocol != target.protocol)
    if service.spec.type == _EXTERNAL_NAME and isinstance(target.port, int):
        return ServicePort(target.port)
    known = ", ".join(f"{port.port} ({port.name})" if port.name else str(port.port) for port in ports)
    raise NoServersError(f"the {target.service} has no port {target.port}", f"it has {known or 'none'}")


def _default_scheme(port: ServicePort) -> Scheme:
    return "https" if port.port == _HTTPS_PORT or port.name.startswith("https") else "http"


def _node_servers(
    port: ServicePort, scheme: Scheme, policy: DecodingPolicy, cluster: Cluster
) -> list[Server]:
    if not policy.node_addresses:
        hint = f"take nodePortLB out, or {policy.option_prefix}disableClusterScopeResources"
        raise NoServersError("the addresses of nodes are not read", hint)
    nodes = filter(None, map(read_node, cluster.nodes()))
    found = [
        _server(each.address, port.node_port, scheme)
        for node in nodes
        for each in node.status.addresses or ()
        if each.type == _NODE_ADDRESS
    ]
    if not found:
        hint = "let the agent's account list and watch nodes"
        raise NoServersError("no address of a node is known", hint)
    return found


def _pod_servers(target: Target, port: ServicePort, scheme: Scheme, cluster: Cluster) -> list[Server]:
    found: dict[str, Server] = {}
    for address, number, state in _endpoints(target, port, cluster):
        server = _server(address, number, scheme, state)
        # While a slice is split, an endpoint may stand in two of them.
        found.setdefault(server.name, server)
    return list(found.values())


def _endpoints(target: Target, port: ServicePort, cluster: Cluster) -> Iterator[tuple[str, int, ServerState]]:
    for item in cluster.endpoint_slices(target.namespace, target.name):
        part = read_endpoint_slice(item)
        if part is None:
            continue
        number = next((each.port for each in part.ports or () if (each.name or "") == port.name), None)
        for endpoint in (part.endpoints or ()) if number else ():
            conditions = endpoint.conditions
            if conditions is not None and conditions.serving is False:
                continue
            ending = conditions is not None and conditions.terminating
            state = ServerState.DRAINING if ending else ServerState.UP
            for address in endpoint.addresses:
                yield address, number or 0, state


def _server(host: str, port: int, scheme: Scheme, state: ServerState = ServerState.UP) -> Server:
    server = Server("", host, port, scheme, state=state)
    return Server(server.url, host, port, scheme, state=state)
