"""Reads the instances of Consul's catalogue from its responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discovery.consul import CatalogueEntry, Weights
from discovery.providers.tagged_services.instance import Instance


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
