"""References between objects: their group, kind and namespace, and the grants for other namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from discovery.providers.kubernetes.lookup import Cluster

GROUP = "gateway.networking.k8s.io"


class Location(Struct, frozen=True):
    """A namespace in which objects are looked up by name."""

    namespace: str
    cluster: Cluster


class Reference(Struct, frozen=True):
    """A reference with its defaults filled in; the core group has an empty name."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def read_reference(written: Mapping[str, Any], namespace: str, group: str, kind: str) -> Reference:
    """Read a reference in an object of this namespace; `group` and `kind` are the defaults."""
    given = written.get("group")
    return Reference(
        group if given is None else str(given),
        str(written.get("kind") or kind),
        str(written.get("namespace") or namespace),
        str(written.get("name") or ""),
    )


def is_granted(cluster: Cluster, kind: str, namespace: str, to: Reference) -> bool:
    """Check whether objects of this kind and namespace may refer to another namespace's object.

    A ReferenceGrant in that namespace must say so.
    """
    if to.namespace == namespace:
        return True
    return any(
        _names_source(grant["spec"], kind, namespace) and _names_target(grant["spec"], to)
        for grant in cluster.all("ReferenceGrant", to.namespace)
    )


def _names_source(spec: Mapping[str, Any], kind: str, namespace: str) -> bool:
    return any(
        (source.get("group"), source.get("kind"), source.get("namespace")) == (GROUP, kind, namespace)
        for source in spec.get("from") or ()
    )


def _names_target(spec: Mapping[str, Any], to: Reference) -> bool:
    return any(
        (target.get("group") or "", target.get("kind")) == (to.group, to.kind)
        and target.get("name") in (None, "", to.name)
        for target in spec.get("to") or ()
    )
