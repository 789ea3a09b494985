"""What the settings allow the custom resources to do."""

from __future__ import annotations

from msgspec import Struct


class Policy(Struct, frozen=True):
    """The options of `providers.kubernetesCRD` that decide how objects are decoded.

    `cross_provider_namespaces` are the namespaces whose objects may refer to objects of other providers
    (`auth@file`); None stands for all. `node_addresses` says whether the provider reads nodes.
    """

    ingress_class: str = ""
    allow_cross_namespace: bool = False
    allow_external_name_services: bool = False
    allow_empty_services: bool = False
    native_lb_by_default: bool = False
    cross_provider_namespaces: tuple[str, ...] | None = None
    node_addresses: bool = True
