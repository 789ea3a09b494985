"""Names of the objects that the provider makes, in Traefik's form."""

from __future__ import annotations

from discovery.decoding.names import normalise
from discovery.providers.kubernetes.names import rule_digest

PROVIDER = "kubernetescrd"


def object_name(namespace: str, name: str, port: int | str = "") -> str:
    """Return `NAMESPACE-NAME`, or `NAMESPACE-NAME-PORT` for the servers of a Kubernetes service."""
    return normalise("-".join(filter(None, (namespace, name, str(port or "")))))


def router_name(namespace: str, ingress_route: str, rule: str) -> str:
    """Return `NAMESPACE-INGRESSROUTE-DIGEST` for one route; the digest tells the routes apart."""
    return normalise(f"{namespace}-{ingress_route}-{rule_digest(rule)}")
