"""The resources of the Kubernetes API, and their paths."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct


class Resource(Struct, frozen=True):
    """A resource of the API: `Resource("networking.k8s.io", "v1", "ingresses", "Ingress")`.

    The core group has an empty name. A resource that is not `namespaced` belongs to the whole cluster.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    def __str__(self) -> str:
        """Return the name as roles have it, with the group: `ingresses.networking.k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """The group and version as objects have them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of one object, or of all in a namespace; an empty one means all namespaces."""
        parts = ["", "apis", self.group, self.version] if self.group else ["", "api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


SERVICES = Resource("", "v1", "services", "Service")
SECRETS = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
INGRESSES = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
INGRESS_CLASSES = Resource("networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False)

_GATEWAY = "gateway.networking.k8s.io"
GATEWAY_CLASSES = Resource(_GATEWAY, "v1", "gatewayclasses", "GatewayClass", namespaced=False)
GATEWAYS = Resource(_GATEWAY, "v1", "gateways", "Gateway")
HTTP_ROUTES = Resource(_GATEWAY, "v1", "httproutes", "HTTPRoute")
GRPC_ROUTES = Resource(_GATEWAY, "v1", "grpcroutes", "GRPCRoute")
TLS_ROUTES = Resource(_GATEWAY, "v1", "tlsroutes", "TLSRoute")
TCP_ROUTES = Resource(_GATEWAY, "v1", "tcproutes", "TCPRoute")
UDP_ROUTES = Resource(_GATEWAY, "v1", "udproutes", "UDPRoute")
ALPHA_TCP_ROUTES = Resource(_GATEWAY, "v1alpha2", "tcproutes", "TCPRoute")
ALPHA_UDP_ROUTES = Resource(_GATEWAY, "v1alpha2", "udproutes", "UDPRoute")
BACKEND_TLS_POLICIES = Resource(_GATEWAY, "v1", "backendtlspolicies", "BackendTLSPolicy")
REFERENCE_GRANTS = Resource(_GATEWAY, "v1beta1", "referencegrants", "ReferenceGrant")
