"""An instance of a service in Consul's catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from discovery.consul import CatalogueEntry, Weights

Key = tuple[str, str]
"""Node and service id, which are unique only together."""


class Instance(Struct, frozen=True):
    """One registration. `address` is the service's own, else the node's; `port` is 0 if it has none.

    `weight` and `warning_weight` are Consul's weights; `modified` is Consul's index of the last registration.
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
        """The server's name, unique in the catalogue and stable over restarts."""
        return f"{self.node}/{self.id}"


def instance_of_entry(node: str, address: str, entry: CatalogueEntry) -> Instance:
    """Return the instance of an entry of `GET /v1/catalog/node/NODE`; `address` is the node's."""
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


def parse_service_entry(entry: Mapping[str, Any]) -> tuple[str, CatalogueEntry]:
    """Decode an entry of `GET /v1/catalog/service/NAME`; return the node and its own form of the entry."""
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
