"""Decides by ingress classes which IngressRoutes the provider takes."""

from __future__ import annotations

from discovery.decoding import values
from discovery.providers.kubernetes.ingress_classes import annotated_class, is_class_taken
from discovery.providers.kubernetes_crd.manifest import Manifest


def is_of_class(manifest: Manifest) -> bool:
    """Return whether the ingress class of an object is that of the settings.

    `spec.ingressClassName` counts before the older annotation.
    """
    annotated = annotated_class(manifest.annotations)
    named = manifest.spec.read("ingressClassName", values.text, annotated)
    return is_class_taken(named, manifest.policy.ingress_class)
