"""Names of the objects that the provider makes, in Traefik's form."""

from __future__ import annotations

from discovery.decoding.names import normalise
from discovery.providers.kubernetes.names import rule_digest

PROVIDER = "kubernetes"

DEFAULT_ROUTER = "default-router"
DEFAULT_SERVICE = "default-backend"
"""The router and service of an Ingress that has only a default backend."""


def service_name(namespace: str, service: str, port: int | str) -> str:
    """Return `NAMESPACE-SERVICE-PORT`."""
    return normalise(f"{namespace}-{service}-{port}")


def router_name(namespace: str, ingress: str, host: str, path: str) -> str:
    """Return `NAMESPACE-INGRESS-HOST-PATH`."""
    return normalise(f"{namespace}-{ingress}-{host}{path}")


def distinct_router_name(name: str, rule: str) -> str:
    """Return the name with a digest of the rule, for a path whose name another path has as well."""
    return f"{name}-{rule_digest(rule)}"
