"""Looks up objects for a decoder, and records which ones it asked for."""

from __future__ import annotations

from collections.abc import Iterable

from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.resources import ENDPOINT_SLICES, NODES, Resource

ALL_NODES: Key = (NODES, "", "")
"""The key that stands for every node."""


class ClusterView:
    """The cluster as one decoder sees it; `looked_up` has the keys of all objects that it asked for."""

    def __init__(self, objects: Objects, resources: Iterable[Resource]) -> None:
        self._objects = objects
        self._by_kind = {each.kind: each for each in resources}
        self.looked_up: set[Key] = set()

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None if it does not exist."""
        resource = self._by_kind[kind]
        self.looked_up.add((resource, namespace, name))
        return self._objects.get(resource, namespace, name)

    def endpoint_slices(self, namespace: str, service: str) -> tuple[Object, ...]:
        """Return the endpoint slices of a service."""
        self.looked_up.add((ENDPOINT_SLICES, namespace, service))
        return self._objects.slices(namespace, service)

    def nodes(self) -> tuple[Object, ...]:
        """Return all nodes."""
        self.looked_up.add(ALL_NODES)
        return tuple(self._objects.all(NODES).values())
