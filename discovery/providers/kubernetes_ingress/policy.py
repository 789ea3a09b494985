"""What the settings say about the decoding of Ingresses."""

from __future__ import annotations

from discovery.providers.kubernetes.lookup import ServersPolicy


class Policy(ServersPolicy, frozen=True):
    """The options of `providers.kubernetesIngress` that decide how Ingresses are decoded.

    `class_lookup` says whether the provider reads objects of the kind IngressClass.
    `cross_provider_namespaces` are the namespaces whose objects may refer to objects of other providers; None
    stands for all. `pass_host_header` is the default of Traefik 1's annotation.
    """

    option_prefix: str = "providers.kubernetesIngress."
    ingress_class: str = ""
    class_lookup: bool = True
    strict_prefix_matching: bool = False
    cross_provider_namespaces: tuple[str, ...] | None = None
    pass_host_header: bool = True

    def may_name_providers(self, namespace: str) -> bool:
        """Return whether objects of a namespace may refer to objects of other providers."""
        return self.cross_provider_namespaces is None or namespace in self.cross_provider_namespaces
