"""Objects of Kubernetes itself as values: services, endpoint slices, nodes, secrets and config maps.

They have the fields that the provider reads. The API server checks these kinds, so a value of another type
can only come from a newer version of the API; such an object counts as missing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct, ValidationError, convert, field

from discovery.kubernetes.client import Object

T = TypeVar("T")


class ServicePort(Struct, frozen=True, rename="camel"):
    port: int = 0
    name: str = ""
    node_port: int = 0
    protocol: str = "TCP"


class ServiceSpec(Struct, frozen=True):
    type: str = "ClusterIP"
    cluster_ip: str = field(default="", name="clusterIP")
    external_name: str = field(default="", name="externalName")
    ports: tuple[ServicePort, ...] | None = None


class KubernetesService(Struct, frozen=True):
    """A service. `cluster_ip` is `None`, as text, if it is headless."""

    spec: ServiceSpec = ServiceSpec()


class SlicePort(Struct, frozen=True):
    """A port of the endpoints of a slice; `name` is the service's name for it."""

    name: str | None = None
    port: int | None = None


class Conditions(Struct, frozen=True):
    """The conditions of an endpoint; None counts as `serving`, and as not `terminating`."""

    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Struct, frozen=True):
    addresses: tuple[str, ...] = ()
    conditions: Conditions | None = None


class EndpointSlice(Struct, frozen=True):
    ports: tuple[SlicePort, ...] | None = None
    endpoints: tuple[Endpoint, ...] | None = None


class NodeAddress(Struct, frozen=True):
    type: str = ""
    address: str = ""


class NodeStatus(Struct, frozen=True):
    addresses: tuple[NodeAddress, ...] | None = None


class Node(Struct, frozen=True):
    status: NodeStatus = NodeStatus()


class _Secret(Struct, frozen=True):
    type: str = "Opaque"
    data: Mapping[str, str] | None = None


class Secret(Struct, frozen=True):
    """A secret, whose data are decoded from base64."""

    type: str
    data: Mapping[str, str]

    def __repr__(self) -> str:
        # Its contents must not get into logs.
        return f"Secret({self.type!r})"


class _ConfigMap(Struct, frozen=True):
    data: Mapping[str, str] | None = None


def read_service(item: Object | None) -> KubernetesService | None:
    """Return the service that the API has sent."""
    return _convert(item, KubernetesService)


def read_endpoint_slice(item: Object) -> EndpointSlice | None:
    """Return the endpoint slice that the API has sent."""
    return _convert(item, EndpointSlice)


def read_node(item: Object) -> Node | None:
    """Return the node that the API has sent."""
    return _convert(item, Node)


def read_secret(item: Object | None) -> Secret | None:
    """Return the secret that the API has sent; values that are no text are left out."""
    found = _convert(item, _Secret)
    if found is None:
        return None
    texts = {name: _decode(value) for name, value in (found.data or {}).items()}
    return Secret(found.type, {name: text for name, text in texts.items() if text is not None})


def read_config_map(item: Object | None) -> Mapping[str, str] | None:
    """Return the data of the config map that the API has sent."""
    found = _convert(item, _ConfigMap)
    return None if found is None else found.data or {}


def _convert(item: Object | None, kind: type[T]) -> T | None:
    if item is None:
        return None
    try:
        return convert(item, kind)
    except ValidationError:
        return None


def _decode(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError:
        # It is no base64, no ASCII, or no UTF-8 inside.
        return None
