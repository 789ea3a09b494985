"""The objects that watches keep current, with the keys of those that changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping

from discovery.kubernetes.client import Object
from discovery.kubernetes.resources import ENDPOINT_SLICES, Resource
from discovery.kubernetes.selection import Selection

logger = logging.getLogger(__name__)

Key = tuple[Resource, str, str]
"""A resource, a namespace (empty for resources of the cluster), and a name.

The slices of one service have one key, whose name is that of the service.
"""

RETENTION = 60.0
"""Seconds that objects are retained which a cluster has lost, until they are written again."""

SERVICE_LABEL = "kubernetes.io/service-name"
"""The label of an EndpointSlice that names its service."""

_Names = dict[tuple[str, str], Object]


class Objects:
    """Objects by resource, namespace and name.

    Objects that a list no longer has are removed at once, unless the version of the list is below that of an
    earlier one. The cluster was then reset or restored from a backup, and the missing objects are retained
    for RETENTION seconds.
    """

    def __init__(self) -> None:
        self._objects: dict[Resource, _Names] = {}
        self._slices: dict[tuple[str, str], dict[str, Object]] = {}
        self._versions: dict[Selection, int] = {}
        self._retained: dict[tuple[Resource, str, str], float] = {}
        self._changed: set[Key] = set()

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        return self._objects.get(resource, {}).get((namespace, name))

    def all(self, resource: Resource) -> Mapping[tuple[str, str], Object]:
        """Return all objects of a resource by namespace and name."""
        return self._objects.get(resource, {})

    def slices(self, namespace: str, service: str) -> tuple[Object, ...]:
        """Return the EndpointSlices of a service, in the order of their names."""
        found = self._slices.get((namespace, service), {})
        return tuple(found[name] for name in sorted(found))

    def take_changed(self) -> set[Key]:
        """Return the keys of the objects that changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def put(self, resource: Resource, item: Object) -> None:
        """Add or replace an object. An object with the same resource version has not changed."""
        namespace, name = name_of(item)
        known = self._objects.setdefault(resource, {})
        before = known.get((namespace, name))
        self._retained.pop((resource, namespace, name), None)
        if before is not None and not differs(before, item):
            return
        if resource == ENDPOINT_SLICES:
            self._move_slice(before, item)
        known[namespace, name] = item
        if before is None or not _equal(before, item):
            self._mark(resource, item)

    def remove(self, resource: Resource, namespace: str, name: str) -> None:
        """Remove an object, if there is one."""
        self._retained.pop((resource, namespace, name), None)
        before = self._objects.get(resource, {}).pop((namespace, name), None)
        if before is not None:
            if resource == ENDPOINT_SLICES:
                self._move_slice(before, None)
            self._mark(resource, before)

    def replace(self, selection: Selection, items: Iterable[Object], version: str = "") -> None:
        """Replace all objects of a selection by those of a list with this resource version."""
        resource = selection.resource
        found = {name_of(item): item for item in items}
        known = self._objects.setdefault(resource, {})
        missing = [key for key in known if key not in found and selection.namespace in ("", key[0])]
        if missing and self._runs_backwards(selection, version):
            logger.warning(
                "the Kubernetes API is back in an earlier state; %d of %s are missing, and retained for %g s",
                len(missing),
                selection,
                RETENTION,
            )
            until = time.monotonic() + RETENTION
            self._retained.update({(resource, *key): until for key in missing})
            missing = []
        for key in missing:
            if (resource, *key) not in self._retained:
                self.remove(resource, *key)
        for item in found.values():
            self.put(resource, item)
        if version.isdecimal():
            self._versions[selection] = int(version)

    def note_version(self, selection: Selection, version: str) -> None:
        """Note how far a watch has come."""
        if version.isdecimal():
            self._versions[selection] = max(int(version), self._versions.get(selection, 0))

    @property
    def next_expiry(self) -> float | None:
        """When (monotonic) the next retained object expires; None if none is retained."""
        return min(self._retained.values(), default=None)

    def drop_expired(self) -> None:
        """Remove the retained objects whose time is over."""
        now = time.monotonic()
        for key in [key for key, until in self._retained.items() if until <= now]:
            self.remove(*key)

    def _runs_backwards(self, selection: Selection, version: str) -> bool:
        return version.isdecimal() and int(version) < self._versions.get(selection, 0)

    def _move_slice(self, before: Object | None, now: Object | None) -> None:
        for item, add in ((before, False), (now, True)):
            if item is None or not (service := service_of(item)):
                continue
            namespace, name = name_of(item)
            if add:
                self._slices.setdefault((namespace, service), {})[name] = item
            else:
                of_service = self._slices.get((namespace, service), {})
                of_service.pop(name, None)
                if not of_service:
                    self._slices.pop((namespace, service), None)
                self._changed.add((ENDPOINT_SLICES, namespace, service))

    def _mark(self, resource: Resource, item: Object) -> None:
        namespace, name = name_of(item)
        self._changed.add((resource, namespace, service_of(item) if resource == ENDPOINT_SLICES else name))


def name_of(item: Object) -> tuple[str, str]:
    """Return namespace and name of an object."""
    metadata = item["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def service_of(item: Object) -> str:
    """Return the service of an EndpointSlice, empty for a slice without the label."""
    return str((item["metadata"].get("labels") or {}).get(SERVICE_LABEL) or "")


def differs(one: Object, other: Object) -> bool:
    """Return whether two objects of one name differ in their resource version, or lack one."""
    version = one["metadata"].get("resourceVersion")
    return not version or version != other["metadata"].get("resourceVersion")


def _equal(one: Object, other: Object) -> bool:
    """Check whether two objects differ in more than their version, as at each renewal of a lease."""
    return {**one, "metadata": _versionless(one)} == {**other, "metadata": _versionless(other)}


def _versionless(item: Object) -> dict[str, object]:
    return {name: value for name, value in item["metadata"].items() if name != "resourceVersion"}
