"""The custom resources that the provider reads, in the API groups of Traefik 3 and of Traefik 2."""

from __future__ import annotations

from discovery.kubernetes.resources import Resource

GROUPS = ("traefik.io", "traefik.containo.us")
"""The API groups; an object of the first one hides one of the same kind and name in the second."""

HTTP_KINDS = {
    "IngressRoute": "ingressroutes",
    "Middleware": "middlewares",
    "TraefikService": "traefikservices",
    "ServersTransport": "serverstransports",
    "TLSOption": "tlsoptions",
    "TLSStore": "tlsstores",
}
"""Kinds for HTTP, and their names in the API. The account of the agent must have rights to them."""

LAYER4_KINDS = {
    "IngressRouteTCP": "ingressroutetcps",
    "IngressRouteUDP": "ingressrouteudps",
    "MiddlewareTCP": "middlewaretcps",
    "ServersTransportTCP": "serverstransporttcps",
}
"""Kinds for TCP and UDP. Clusters that do not use them need neither their definitions nor rights to them."""


def _resources(group: str, kinds: dict[str, str]) -> tuple[Resource, ...]:
    return tuple(Resource(group, "v1alpha1", plural, kind) for kind, plural in kinds.items())


REQUIRED = _resources(GROUPS[0], HTTP_KINDS)
OPTIONAL = (*_resources(GROUPS[0], LAYER4_KINDS), *_resources(GROUPS[1], {**HTTP_KINDS, **LAYER4_KINDS}))
