"""One custom resource that is being decoded, and what its decoder may look up."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.certificates.loading import Seal
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.kubernetes.client import Object
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_crd.names import PROVIDER
from discovery.providers.kubernetes_crd.policy import Policy


class Manifest:
    """A custom resource: its `spec` as a section, whose report is `report`.

    Diagnostics call it `IngressRoute default/whoami`, and its options as the manifest does: `written` maps
    the keys that decoders read to these, in lower case. `origins` are those of Decoded.
    """

    def __init__(self, kind: str, item: Object, policy: Policy, seal: Seal, cluster: Cluster) -> None:
        metadata = item["metadata"]
        self.kind = kind
        self.namespace = str(metadata.get("namespace") or "")
        self.name = str(metadata["name"])
        self.annotations: Mapping[str, str] = metadata.get("annotations") or {}
        self.policy = policy
        self.seal = seal
        self.cluster = cluster
        self.subject = f"{self.kind} {self.namespace}/{self.name}"
        self.written: dict[str, str] = {}
        self.origins: dict[str, str] = {}
        self.report = Report(PROVIDER, self.subject, written=self.written)
        spec = item.get("spec")
        self.spec = Section(spec if isinstance(spec, Mapping) else {}, "spec", self.report)
