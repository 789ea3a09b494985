"""Decides by ingress classes which IngressRoutes the provider takes."""

from __future__ import annotations

from discovery.decoding import values
from discovery.providers.kubernetes_crd.manifest import Manifest

_ANNOTATION = "kubernetes.io/ingress.class"
_DEFAULT = "traefik"


def is_of_class(manifest: Manifest) -> bool:
    """Return whether the ingress class of an object is that of the settings.

    `spec.ingressClassName` counts before the older annotation. If the settings name no class, objects without
    a class and those of class `traefik` are taken.
    """
    annotated = manifest.annotations.get(_ANNOTATION, "")
    named = manifest.spec.read("ingressClassName", values.text, annotated)
    wanted = manifest.policy.ingress_class
    return named == wanted or (not wanted and named == _DEFAULT)
