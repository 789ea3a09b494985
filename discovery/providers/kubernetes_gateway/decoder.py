"""Decodes the objects of the Gateway API of each kind, and notes what their statuses have to say."""

from __future__ import annotations

from discovery.decoding.decoded import Decoded
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_gateway.decoded_route import DecodedRoute
from discovery.providers.kubernetes_gateway.gateways import decode_gateway
from discovery.providers.kubernetes_gateway.layer4_routes import decode_layer4_route
from discovery.providers.kubernetes_gateway.options import Options
from discovery.providers.kubernetes_gateway.routes import decode_route
from discovery.providers.kubernetes_gateway.statuses import GatewayStatuses


class Decoder:
    """The decoder for `Definitions`; it gives `statuses` what it finds."""

    def __init__(self, options: Options, statuses: GatewayStatuses) -> None:
        self._options = options
        self._statuses = statuses

    def decode(self, kind: str, item: Object, cluster: Cluster) -> Decoded:
        """Decode a Gateway or a route."""
        namespace, name = name_of(item)
        if kind != "Gateway":
            route = self._decode_route(kind, item, cluster)
            self._statuses.note_route((kind, namespace, name), route)
            return route.decoded
        gateway = decode_gateway(item, cluster, self._options)
        self._statuses.note_gateway((kind, namespace, name), gateway)
        return gateway.decoded

    def _decode_route(self, kind: str, item: Object, cluster: Cluster) -> DecodedRoute:
        match kind:
            case "HTTPRoute" | "GRPCRoute":
                return decode_route(kind, item, cluster, self._options)
            case "TCPRoute" | "TLSRoute" | "UDPRoute":
                return decode_layer4_route(kind, item, cluster, self._options)
        raise ValueError(f"{kind} is no kind of routes")
