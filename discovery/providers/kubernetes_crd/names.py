"""Names of the objects that the provider makes, in Traefik's form."""

from __future__ import annotations

from hashlib import sha256

from discovery.decoding.names import normalise

PROVIDER = "kubernetescrd"

_RULE_DIGITS = 20
"""Hexadecimal digits of the SHA-256 digest of a rule, in the name of its router."""


def object_name(namespace: str, name: str, port: int | str = "") -> str:
    """Return `NAMESPACE-NAME`, or `NAMESPACE-NAME-PORT` for the servers of a Kubernetes service."""
    return normalise("-".join(filter(None, (namespace, name, str(port or "")))))


def router_name(namespace: str, ingress_route: str, rule: str) -> str:
    """Return `NAMESPACE-INGRESSROUTE-DIGEST` for one route; the digest tells the routes apart."""
    digest = sha256(rule.encode()).hexdigest()[:_RULE_DIGITS]
    return normalise(f"{namespace}-{ingress_route}-{digest}")
