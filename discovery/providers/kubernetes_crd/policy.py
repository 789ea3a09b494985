"""What the settings allow the custom resources to do."""

from __future__ import annotations

from discovery.providers.kubernetes.lookup import ServersPolicy


class Policy(ServersPolicy, frozen=True):
    """The options of `providers.kubernetesCRD` that decide how objects are decoded.

    `cross_provider_namespaces` are the namespaces whose objects may refer to objects of other providers
    (`auth@file`); None stands for all.
    """

    option_prefix: str = "providers.kubernetesCRD."
    ingress_class: str = ""
    allow_cross_namespace: bool = False
    cross_provider_namespaces: tuple[str, ...] | None = None
