"""Decodes one custom resource of any kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from discovery.certificates.loading import Seal
from discovery.decoding.decoded import Decoded
from discovery.kubernetes.client import Object
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_crd.ingress_routes import decode_ingress_route
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.middlewares import decode_middleware_resource
from discovery.providers.kubernetes_crd.policy import Policy
from discovery.providers.kubernetes_crd.servers_transports import decode_servers_transport
from discovery.providers.kubernetes_crd.tcp_middlewares import decode_middleware_tcp
from discovery.providers.kubernetes_crd.tcp_routes import decode_ingress_route_tcp
from discovery.providers.kubernetes_crd.tcp_servers_transports import decode_servers_transport_tcp
from discovery.providers.kubernetes_crd.tls_options import decode_tls_option
from discovery.providers.kubernetes_crd.tls_stores import decode_tls_store
from discovery.providers.kubernetes_crd.traefik_services import decode_traefik_service
from discovery.providers.kubernetes_crd.udp_routes import decode_ingress_route_udp

_DECODERS: Mapping[str, Callable[[Manifest], Decoded]] = {
    "IngressRoute": decode_ingress_route,
    "Middleware": decode_middleware_resource,
    "TraefikService": decode_traefik_service,
    "ServersTransport": decode_servers_transport,
    "TLSOption": decode_tls_option,
    "TLSStore": decode_tls_store,
    "IngressRouteTCP": decode_ingress_route_tcp,
    "IngressRouteUDP": decode_ingress_route_udp,
    "MiddlewareTCP": decode_middleware_tcp,
    "ServersTransportTCP": decode_servers_transport_tcp,
}


def decode(policy: Policy, seal: Seal, kind: str, item: Object, cluster: Cluster) -> Decoded:
    """Decode a custom resource; all that is wrong with it becomes diagnostics. `seal` seals private keys."""
    return _DECODERS[kind](Manifest(kind, item, policy, seal, cluster))
