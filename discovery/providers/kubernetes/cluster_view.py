"""Looks up objects for a decoder, and records which ones it asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.resources import ENDPOINT_SLICES, NODES, Resource

ALL = ""
"""In place of a name: all objects of a resource in a namespace; if that is empty too, in all namespaces."""


class Kinds:
    """The resources of each kind; of several in different API groups or versions, the first one counts."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources: dict[str, list[Resource]] = {}
        for each in resources:
            self._resources.setdefault(each.kind, []).append(each)

    def key(self, kind: str, namespace: str, name: str) -> Key:
        """Return the key that stands for the objects of this kind and name in every group."""
        return self._resources[kind][0], namespace, name

    def settle(self, changed: Key) -> Key:
        """Return the key by which decoders look up a changed object."""
        resource, namespace, name = changed
        return self.key(resource.kind, namespace, name) if resource.kind in self._resources else changed

    def find(self, key: Key, objects: Objects) -> Object | None:
        """Return the object that counts for a key, or None."""
        resource, namespace, name = key
        for each in self._resources[resource.kind]:
            found = objects.get(each, namespace, name)
            if found is not None:
                return found
        return None

    def all(self, kind: str, namespace: str, objects: Objects) -> Iterator[Object]:
        """Yield the objects that count of a kind, in one namespace or in all of them."""
        found: dict[tuple[str, str], Object] = {}
        for each in reversed(self._resources[kind]):
            found.update(objects.all(each))
        return (item for (where, _), item in found.items() if namespace in ("", where))


class ClusterView:
    """The cluster as one decoder sees it; `looked_up` has the keys of all objects that it asked for."""

    def __init__(self, objects: Objects, kinds: Kinds) -> None:
        self._objects = objects
        self._kinds = kinds
        self.looked_up: set[Key] = set()

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None if it does not exist."""
        key = self._kinds.key(kind, namespace, name)
        self.looked_up.add(key)
        return self._kinds.find(key, self._objects)

    def endpoint_slices(self, namespace: str, service: str) -> tuple[Object, ...]:
        """Return the endpoint slices of a service."""
        self.looked_up.add((ENDPOINT_SLICES, namespace, service))
        return self._objects.slices(namespace, service)

    def nodes(self) -> tuple[Object, ...]:
        """Return all nodes."""
        return self.all(NODES.kind)

    def all(self, kind: str, namespace: str = "") -> tuple[Object, ...]:
        """Return all objects of a kind, in one namespace or in all of them."""
        self.looked_up.add(self._kinds.key(kind, namespace, ALL))
        return tuple(self._kinds.all(kind, namespace, self._objects))
