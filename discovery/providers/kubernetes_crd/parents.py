"""Finds the parent routers of an IngressRoute: all routes of the IngressRoutes that `parentRefs` names."""

from __future__ import annotations

from collections.abc import Iterable

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.kubernetes.client import Object
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, router_name
from discovery.providers.kubernetes_crd.references import may_name_namespace


def read_parents(spec: Section, manifest: Manifest) -> tuple[str, ...] | None:
    """Return the qualified names of the parent routers; report a parent that cannot be used, return None."""
    written = spec.raw("parentRefs")
    if not written:
        return ()
    found: list[str] = []
    items = list(spec.items("parentRefs"))
    if not isinstance(written, (list, tuple)) or len(items) != len(written):
        return None
    for item in items:
        names = _routers_of(item, manifest)
        if not names:
            return None
        found += names
    return tuple(found)


def _routers_of(item: Section, manifest: Manifest) -> list[str]:
    name = item.read("name", values.text, "")
    namespace = item.read("namespace", values.text, manifest.namespace)
    item.finish()
    if not may_name_namespace(namespace, item, manifest):
        return []
    parent = manifest.cluster.find("IngressRoute", namespace, name)
    names = (
        []
        if parent is None
        else [qualify(router_name(namespace, name, rule), PROVIDER) for rule in _rules(parent)]
    )
    if not names:
        fault = "does not exist" if parent is None else "has no routes"
        report = item.report
        report.error(f"{report.at(item.path)}: the IngressRoute {namespace}/{name} {fault}")
    return names


def _rules(ingress_route: Object) -> Iterable[str]:
    spec = ingress_route.get("spec")
    routes = spec.get("routes") if isinstance(spec, dict) else None
    for route in routes if isinstance(routes, (list, tuple)) else ():
        rule = route.get("match") if isinstance(route, dict) else None
        if isinstance(rule, str) and rule.strip():
            yield rule
