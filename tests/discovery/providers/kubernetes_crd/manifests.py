"""A cluster made of manifests, and what the provider makes of them."""

from collections.abc import Mapping
from typing import Any

import yaml

from discovery.kubernetes.client import Object
from discovery.merging.union import unite
from discovery.providers.kubernetes_crd.custom_resources import OPTIONAL, REQUIRED
from discovery.providers.kubernetes_crd.decode import decode
from discovery.providers.kubernetes_crd.names import PROVIDER
from discovery.providers.kubernetes_crd.policy import Policy
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Severity
from rondpoint.store.sealing import Sealer

KINDS = {each.kind for each in (*REQUIRED, *OPTIONAL)}

WHOAMI = """
apiVersion: v1
kind: Service
metadata: {name: whoami, namespace: default}
spec:
  clusterIP: 10.96.0.7
  ports:
    - {name: web, port: 80, targetPort: 8080}
    - {name: admin, port: 9000}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: whoami-abc
  namespace: default
  labels: {kubernetes.io/service-name: whoami}
addressType: IPv4
ports:
  - {name: web, port: 8080}
  - {name: admin, port: 9000}
endpoints:
  - {addresses: [10.42.0.1], conditions: {ready: true}}
  - {addresses: [10.42.0.2], conditions: {ready: true}}
"""
"""A service with two pods, as Traefik's documentation has it."""

SEALER = Sealer(b"a secret of the installation, long")


class Manifests:
    """Objects by kind, namespace and name, from YAML documents."""

    def __init__(self, *documents: str) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        for text in documents:
            for item in yaml.safe_load_all(text):
                if item is not None:
                    self.put(item)

    def put(self, item: Mapping[str, Any]) -> None:
        metadata = {"namespace": "default", **item["metadata"]}
        kind = item["kind"]
        namespace = "" if kind == "Node" else metadata["namespace"]
        self.objects[kind, namespace, metadata["name"]] = {**item, "metadata": metadata}

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        return self.objects.get((kind, namespace, name))

    def endpoint_slices(self, namespace: str, service: str) -> tuple[Object, ...]:
        return tuple(
            item
            for (kind, space, _), item in self.objects.items()
            if (kind, space) == ("EndpointSlice", namespace)
            and item["metadata"]["labels"]["kubernetes.io/service-name"] == service
        )

    def nodes(self) -> tuple[Object, ...]:
        return tuple(item for (kind, _, _), item in self.objects.items() if kind == "Node")


def decoded(*documents: str, **policy: Any) -> Configuration:
    """Return the configuration that the documents and the service WHOAMI describe."""
    cluster = Manifests(WHOAMI, *documents)
    parts = [
        decode(Policy(**policy), SEALER.seal, kind, item, cluster)
        for (kind, _, _), item in cluster.objects.items()
        if kind in KINDS
    ]
    return unite(parts, PROVIDER)


def errors(configuration: Configuration) -> list[str]:
    """Return the messages of all errors."""
    return [each.message for each in configuration.diagnostics if each.severity is Severity.ERROR]


def texts(configuration: Configuration) -> str:
    """Return all diagnostics in one text."""
    return "\n".join(map(str, configuration.diagnostics))
