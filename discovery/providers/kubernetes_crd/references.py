"""Resolves references between objects: to middlewares, TLS options and others, in namespaces and providers.

An object may refer to objects of its own namespace. Others would let one team use or change the routes of
another, so the settings must allow them. A refused reference is reported, and its route is left out.
"""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name

_OWN = f"@{PROVIDER}"
_CROSS_NAMESPACE = "providers.kubernetesCRD.allowCrossNamespace"
_CROSS_PROVIDER = "providers.kubernetesCRD.crossProviderNamespaces"


def read_references(section: Section, option: str, manifest: Manifest) -> tuple[str, ...] | None:
    """Return the qualified names that a list of references stands for; None if one cannot be resolved."""
    raw = section.raw(option)
    if raw is None:
        return ()
    items = list(section.items(option))
    found = [read_reference(item, manifest) for item in items]
    names = tuple(name for name in found if name is not None)
    return names if isinstance(raw, (list, tuple)) and len(names) == len(raw) else None


def read_reference(section: Section, manifest: Manifest) -> str | None:
    """Return the qualified name that `name` and `namespace` stand for; report a refused one, return None."""
    name = section.read("name", values.text, "")
    namespace = section.read("namespace", values.text, "")
    section.finish()
    if not name:
        if not section.has("name"):
            section.report.error(f"{section.report.at(section.path)} has no name")
        return None
    return resolve(name, namespace, section, manifest)


def resolve(name: str, namespace: str, section: Section, manifest: Manifest) -> str | None:
    """Return the qualified name of an object; report a refused reference at `section` and return None.

    `NAME@PROVIDER` is an object of another provider, or one of this provider by its full name.
    """
    if "@" in name:
        if not may_name_provider(name, section, manifest):
            return None
        if namespace:
            at = section.report.at(section.key("namespace"))
            section.report.warning(f"{at} has no effect, because {name} names a provider")
        return name
    namespace = namespace or manifest.namespace
    if not may_name_namespace(namespace, section, manifest):
        return None
    return qualify(object_name(namespace, name), PROVIDER)


def may_name_namespace(namespace: str, section: Section, manifest: Manifest) -> bool:
    """Return whether the object may refer to objects of this namespace; otherwise report it."""
    if manifest.policy.allow_cross_namespace or namespace == manifest.namespace:
        return True
    section.report.error(
        f"{section.report.at(section.path)} refers to the namespace {namespace}, which is not allowed",
        f"use an object of the namespace {manifest.namespace}, or set {_CROSS_NAMESPACE}",
    )
    return False


def may_name_provider(name: str, section: Section, manifest: Manifest) -> bool:
    """Return whether the object may refer to `NAME@PROVIDER`; otherwise report it."""
    report: Report = section.report
    at = report.at(section.path)
    if name.endswith(_OWN) and not manifest.policy.allow_cross_namespace:
        # The namespace is a part of the name, so nobody can say which one is meant.
        hint = f"write the name of the object without {_OWN}, or set {_CROSS_NAMESPACE}"
        report.error(f"{at} refers to {name}, which is not allowed", hint)
        return False
    if not manifest.policy.may_name_providers(manifest.namespace):
        report.error(
            f"{at} refers to {name} of another provider, which its namespace may not",
            f"add {manifest.namespace} to {_CROSS_PROVIDER}",
        )
        return False
    return True
