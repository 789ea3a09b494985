"""An instance of a service, as Consul's catalogue holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from discovery.consul import CatalogueEntry, Weights

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


def instance_of_entry(node: str, address: str, entry: CatalogueEntry) -> Instance:
    """From an entry of `GET /v1/catalog/node/NODE`, whose node has this address."""
    weights = entry.weights or Weights()
    return Instance(
        node,
        entry.id,
        entry.service,
        entry.address or address,
        entry.port,
        entry.tags or (),
        weights.passing,
        weights.warning,
        entry.modify_index,
    )


def parse_service_instance(entry: Mapping[str, Any]) -> tuple[str, CatalogueEntry]:
    """From an entry of `GET /v1/catalog/service/NAME`: the node, and the entry that the node itself has."""
    weights = entry.get("ServiceWeights") or {}
    return entry["Node"], CatalogueEntry(
        entry["ServiceID"],
        entry["ServiceName"],
        entry.get("ServiceAddress") or "",
        entry.get("ServicePort") or 0,
        tuple(entry.get("ServiceTags") or ()),
        Weights(weights.get("Passing", 1), weights.get("Warning", 1)),
        entry.get("ModifyIndex") or 0,
    )
