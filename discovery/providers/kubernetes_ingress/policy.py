"""What the settings say about the decoding of Ingresses."""

from __future__ import annotations

from discovery.providers.kubernetes.lookup import DecodingPolicy


class Policy(DecodingPolicy, frozen=True):
    """The options of `providers.kubernetesIngress` that decide how Ingresses are decoded.

    `class_lookup` says whether the provider reads objects of the kind IngressClass. `pass_host_header` is the
    default of Traefik 1's annotation.
    """

    option_prefix: str = "providers.kubernetesIngress."
    ingress_class: str = ""
    class_lookup: bool = True
    strict_prefix_matching: bool = False
    pass_host_header: bool = True
