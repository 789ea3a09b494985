"""Decides by ingress classes which Ingresses the provider takes."""

from __future__ import annotations

from discovery.providers.kubernetes.ingress_classes import annotated_class, is_class_taken
from discovery.providers.kubernetes_ingress.ingress import Ingress, IngressSpec

CONTROLLER = "traefik.io/ingress-controller"


def is_taken(ingress: Ingress, spec: IngressSpec) -> bool:
    """Return whether the provider routes an Ingress.

    `ingressClassName` counts before the older annotation. It has to name an IngressClass of Traefik's
    controller and, if the settings name a class, that one. Without it, the annotation has to be that of the
    settings; if these name none, an Ingress without the annotation or with `traefik` is taken.
    """
    wanted = ingress.policy.ingress_class
    named = spec.ingress_class_name
    if named is None:
        return is_class_taken(annotated_class(ingress.annotations), wanted)
    if wanted not in ("", named) or not ingress.policy.class_lookup:
        return False
    found = ingress.cluster.find("IngressClass", "", named)
    if found is None:
        ingress.report.warning(
            f"there is no IngressClass {named}, so it is not routed",
            f"create one with controller: {CONTROLLER}",
        )
        return False
    return bool((found.get("spec") or {}).get("controller") == CONTROLLER)
