"""Decodes objects of a cluster that nobody serves."""

from collections.abc import Mapping
from typing import Any

from discovery.decoding.decoded import Decoded
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import (
    ENDPOINT_SLICES,
    INGRESS_CLASSES,
    INGRESSES,
    NODES,
    SECRETS,
    SERVICES,
)
from discovery.merging.union import unite
from discovery.providers.kubernetes.cluster_view import ClusterView, Kinds
from discovery.providers.kubernetes_ingress.decode import decode
from discovery.providers.kubernetes_ingress.policy import Policy
from rondpoint.configuration import Configuration
from rondpoint.store.sealing import Sealer
from tests.lab.kubernetes.manifests import Manifest, endpoint_slice, service

RESOURCES = (INGRESSES, SERVICES, ENDPOINT_SLICES, SECRETS, NODES, INGRESS_CLASSES)
WEB = (service("web"), endpoint_slice("web"))
"""A service with one pod."""
SEALER = Sealer(b"a secret of the installation, long")


def decode_all(*manifests: Manifest, **policy: Any) -> tuple[Decoded, ...]:
    """Decode every Ingress among these objects."""
    objects = Objects()
    by_kind = {each.kind: each for each in RESOURCES}
    for each in manifests:
        objects.put(by_kind[each["kind"]], each)
    view = ClusterView(objects, Kinds(RESOURCES))
    return tuple(
        decode(Policy(**policy), SEALER.seal, "Ingress", item, view)
        for item in objects.all(INGRESSES).values()
    )


def routes(*manifests: Manifest, **policy: Any) -> Configuration:
    """Return the configuration that the Ingresses among these objects make."""
    return unite(decode_all(*manifests, **policy), "kubernetes")


def rules(configuration: Configuration) -> Mapping[str, str]:
    """Return the rules of all routers, by name without provider."""
    return {name.removesuffix("@kubernetes"): each.rule.text for name, each in configuration.routers.items()}


def urls(configuration: Configuration, name: str = "default-web-80") -> list[str]:
    """Return the URLs of the servers of a service."""
    return [server.url for server in configuration.services[f"{name}@kubernetes"].servers]


def messages(configuration: Configuration) -> str:
    """Return subjects, messages and hints of all diagnostics."""
    return "\n".join(f"{each.subject}: {each.message} ({each.hint})" for each in configuration.diagnostics)
