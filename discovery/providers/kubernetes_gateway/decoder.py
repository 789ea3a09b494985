"""Decodes the objects of the Gateway API of each kind, and notes what their statuses have to say."""

from __future__ import annotations

from discovery.decoding.decoded import Decoded
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.kubernetes.resources import GATEWAYS, GRPC_ROUTES, HTTP_ROUTES
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_gateway.gateways import decode_gateway
from discovery.providers.kubernetes_gateway.routes import Options, decode_route
from discovery.providers.kubernetes_gateway.statuses import GatewayStatuses

ROOTS = (GATEWAYS, HTTP_ROUTES, GRPC_ROUTES)
"""The resources that define something."""


class Decoder:
    """The decoder for `Definitions`; it gives `statuses` what it finds."""

    def __init__(self, options: Options, statuses: GatewayStatuses) -> None:
        self._options = options
        self._statuses = statuses

    def decode(self, kind: str, item: Object, cluster: Cluster) -> Decoded:
        """Decode a Gateway, an HTTPRoute or a GRPCRoute."""
        namespace, name = name_of(item)
        if kind == "HTTPRoute":
            route = decode_route("HTTPRoute", item, cluster, self._options)
            self._statuses.note_route((HTTP_ROUTES, namespace, name), route)
            return route.decoded
        if kind == "GRPCRoute":
            route = decode_route("GRPCRoute", item, cluster, self._options)
            self._statuses.note_route((GRPC_ROUTES, namespace, name), route)
            return route.decoded
        gateway = decode_gateway(item, cluster, self._options)
        self._statuses.note_gateway((GATEWAYS, namespace, name), gateway)
        return gateway.decoded
