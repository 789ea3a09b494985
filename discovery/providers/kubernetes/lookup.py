"""What a decoder may look up, and how an object finds it: the contract of decoders of Kubernetes objects.

A decoder is a pure function: an object and a Cluster in, a Decoded out. What it looks up is recorded, found
or not, and the object is decoded again when one of these objects changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.kubernetes.client import Object


class Cluster(Protocol):
    """Looks up objects of the cluster that other objects refer to."""

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None if it does not exist or its namespace is not followed."""

    def endpoint_slices(self, namespace: str, service: str) -> tuple[Object, ...]:
        """Return the endpoint slices of a service."""

    def nodes(self) -> tuple[Object, ...]:
        """Return all nodes."""

    def all(self, kind: str, namespace: str = "") -> tuple[Object, ...]:
        """Return all objects of a kind, in one namespace or in all that are followed."""


class Place(Protocol):
    """An object that is being decoded: its namespace, and the cluster in which it looks up others."""

    @property
    def namespace(self) -> str: ...
    @property
    def cluster(self) -> Cluster: ...


class DecodingPolicy(Struct, frozen=True):
    """The options that decide how the objects of every provider are decoded.

    `node_addresses` says whether the provider reads nodes. `cross_provider_namespaces` are the namespaces
    whose objects may refer to objects of other providers (`auth@file`); None stands for all. Messages begin
    options with `option_prefix`.
    """

    allow_external_name_services: bool = False
    allow_empty_services: bool = False
    native_lb_by_default: bool = False
    node_addresses: bool = True
    cross_provider_namespaces: tuple[str, ...] | None = None
    option_prefix: str = ""

    def may_name_providers(self, namespace: str) -> bool:
        """Return whether objects of a namespace may refer to objects of other providers."""
        return self.cross_provider_namespaces is None or namespace in self.cross_provider_namespaces


Decode = Callable[[str, Object, Cluster], Decoded]
"""Decodes an object of this kind."""
