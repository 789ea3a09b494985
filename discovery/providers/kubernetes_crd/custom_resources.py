"""The custom resources that the provider reads, in the API groups of Traefik 3 and of Traefik 2."""

from __future__ import annotations

from discovery.kubernetes.resources import Resource

GROUPS = ("traefik.io", "traefik.containo.us")
"""The API groups; an object of the first one hides one of the same kind and name in the second."""

SERVED_KINDS = {
    "IngressRoute": "ingressroutes",
    "Middleware": "middlewares",
    "TraefikService": "traefikservices",
    "ServersTransport": "serverstransports",
    "TLSOption": "tlsoptions",
    "TLSStore": "tlsstores",
}
"""Kinds whose objects define something, and their names in the API."""

UNSERVED_KINDS = {
    "IngressRouteTCP": "ingressroutetcps",
    "IngressRouteUDP": "ingressrouteudps",
    "MiddlewareTCP": "middlewaretcps",
    "ServersTransportTCP": "serverstransporttcps",
}
"""Kinds whose objects are reported as not served."""


def _resources(group: str, kinds: dict[str, str]) -> tuple[Resource, ...]:
    return tuple(Resource(group, "v1alpha1", plural, kind) for kind, plural in kinds.items())


SERVED = tuple(_resources(GROUPS[0], SERVED_KINDS))
OLDER = tuple(_resources(GROUPS[1], SERVED_KINDS))
UNSERVED = tuple(_resources(GROUPS[0], UNSERVED_KINDS))
