"""One custom resource that is being decoded, and what its decoder may look up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.providers.kubernetes_crd.names import PROVIDER
from discovery.providers.kubernetes_crd.policy import Policy

Object = Mapping[str, Any]
"""An object of Kubernetes as JSON, with `metadata` and, for most kinds, `spec`."""


class Cluster(Protocol):
    """Looks up objects of the cluster that other objects refer to."""

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None if it does not exist or its namespace is not followed."""

    def endpoint_slices(self, namespace: str, service: str) -> tuple[Object, ...]:
        """Return the endpoint slices of a service."""

    def nodes(self) -> tuple[Object, ...]:
        """Return all nodes."""


class Manifest:
    """A custom resource: its `spec` as a section, whose report is `report`.

    Diagnostics call it `IngressRoute default/whoami`, and its options as the manifest does: `written` maps
    the keys that decoders read to these, in lower case.
    """

    def __init__(self, kind: str, item: Object, policy: Policy, cluster: Cluster) -> None:
        metadata = item["metadata"]
        self.kind = kind
        self.namespace = str(metadata.get("namespace") or "")
        self.name = str(metadata["name"])
        self.annotations: Mapping[str, str] = metadata.get("annotations") or {}
        self.policy = policy
        self.cluster = cluster
        self.subject = f"{self.kind} {self.namespace}/{self.name}"
        self.written: dict[str, str] = {}
        self.report = Report(PROVIDER, self.subject, written=self.written)
        spec = item.get("spec")
        self.spec = Section(spec if isinstance(spec, Mapping) else {}, "spec", self.report)
