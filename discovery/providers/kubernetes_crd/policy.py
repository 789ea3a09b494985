"""What the settings allow the custom resources to do."""

from __future__ import annotations

from discovery.providers.kubernetes.lookup import DecodingPolicy


class Policy(DecodingPolicy, frozen=True):
    """The options of `providers.kubernetesCRD` that decide how objects are decoded."""

    option_prefix: str = "providers.kubernetesCRD."
    ingress_class: str = ""
    allow_cross_namespace: bool = False
