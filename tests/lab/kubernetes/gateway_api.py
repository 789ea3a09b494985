"""The resources of Kubernetes' Gateway API, and a Gateway with one listener."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.manifests import Manifest, manifest

VERSION = "gateway.networking.k8s.io/v1"
CONTROLLER = "traefik.io/gateway-controller"

_KINDS = {
    "GatewayClass": "gatewayclasses",
    "Gateway": "gateways",
    "HTTPRoute": "httproutes",
    "GRPCRoute": "grpcroutes",
    "TLSRoute": "tlsroutes",
    "BackendTLSPolicy": "backendtlspolicies",
}
EXPERIMENTAL = "gateway.networking.k8s.io/v1alpha2"


def install(server: ApiServer) -> None:
    """Make the resources known, as their definitions do."""
    for kind, plural in _KINDS.items():
        server.install(VERSION, kind, plural)
    server.install(VERSION.replace("v1", "v1beta1"), "ReferenceGrant", "referencegrants")


def install_experimental(server: ApiServer) -> None:
    """Make the resources of the experimental channel known."""
    server.install(EXPERIMENTAL, "TCPRoute", "tcproutes")
    server.install(EXPERIMENTAL, "UDPRoute", "udproutes")


def gateway_class(name: str = "ours", controller: str = CONTROLLER) -> Manifest:
    return manifest(VERSION, "GatewayClass", name, "", spec={"controllerName": controller})


def gateway(name: str = "gw", port: int = 80, *others: Mapping[str, Any]) -> Manifest:
    """Return a Gateway with a listener for HTTP, and other listeners."""
    listeners = [{"name": "web", "port": port, "protocol": "HTTP"}, *others]
    return manifest(VERSION, "Gateway", name, spec={"gatewayClassName": "ours", "listeners": listeners})


def http_route(
    name: str = "web", hostnames: Sequence[str] = ("web.test",), service: str = "web", **rule: Any
) -> Manifest:
    """Return an HTTPRoute with one rule."""
    rules = [{"backendRefs": [{"name": service, "port": 80}], **rule}]
    spec = {"parentRefs": [{"name": "gw"}], "hostnames": list(hostnames), "rules": rules}
    return manifest(VERSION, "HTTPRoute", name, spec=spec)


def layer4_route(
    kind: str, name: str, section: str, *backends: Mapping[str, Any], hostnames: Sequence[str] = ()
) -> Manifest:
    """Return a TCPRoute, TLSRoute or UDPRoute for one listener of the Gateway."""
    spec: dict[str, Any] = {
        "parentRefs": [{"name": "gw", "sectionName": section}],
        "rules": [{"backendRefs": list(backends)}],
    }
    if hostnames:
        spec["hostnames"] = list(hostnames)
    return manifest(VERSION if kind == "TLSRoute" else EXPERIMENTAL, kind, name, spec=spec)
