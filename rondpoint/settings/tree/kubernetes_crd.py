"""The settings of the provider for Traefik's custom resources in Kubernetes."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.kubernetes import KubernetesOptions
from rondpoint.settings.values import Switch


class KubernetesCrdOptions(KubernetesOptions):
    """Route by Traefik's custom resources in a Kubernetes cluster."""

    allow_cross_namespace: Switch = Field(
        default=False, description="Allow objects to refer to objects of other namespaces."
    )
