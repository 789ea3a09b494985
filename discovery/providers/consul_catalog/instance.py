"""An instance of a service, as Consul's catalogue holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Key = tuple[str, str]
"""Node and service id, which only together are unique."""


class Instance(Struct, frozen=True):
    """One registration; `address` is the service's own, else the node's, and `port` 0 where it has none.

    `weight` and `warning_weight` are Consul's own; `modified` is the index of its last registration.
    """

    node: str
    id: str
    service: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    weight: int = 1
    warning_weight: int = 1
    modified: int = 0

    @property
    def key(self) -> Key:
        return self.node, self.id

    @property
    def name(self) -> str:
        """Unique in the catalogue, and the same over restarts."""
        return f"{self.node}/{self.id}"


def on_node(node: str, address: str, entry: Mapping[str, Any]) -> Instance:
    """From an entry of `GET /v1/catalog/node/NODE`, whose node has this address."""
    passing, warning = _weights(entry.get("Weights"))
    return Instance(
        node,
        entry["ID"],
        entry["Service"],
        entry.get("Address") or address,
        entry.get("Port") or 0,
        tuple(entry.get("Tags") or ()),
        passing,
        warning,
        entry.get("ModifyIndex") or 0,
    )


def of_service(entry: Mapping[str, Any]) -> Instance:
    """From an entry of `GET /v1/catalog/service/NAME`."""
    passing, warning = _weights(entry.get("ServiceWeights"))
    return Instance(
        entry["Node"],
        entry["ServiceID"],
        entry["ServiceName"],
        entry.get("ServiceAddress") or entry.get("Address") or "",
        entry.get("ServicePort") or 0,
        tuple(entry.get("ServiceTags") or ()),
        passing,
        warning,
        entry.get("ModifyIndex") or 0,
    )


def _weights(given: Mapping[str, Any] | None) -> tuple[int, int]:
    weights = given or {}
    return weights.get("Passing", 1), weights.get("Warning", 1)
