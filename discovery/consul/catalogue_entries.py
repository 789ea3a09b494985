"""A service as a node of the catalogue has it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, Struct, field, json


class Weights(Struct, frozen=True, rename="pascal"):
    """Shares of an instance while it passes its checks, and while one of them warns."""

    passing: int = 1
    warning: int = 1


class CatalogueEntry(Struct, frozen=True, rename="pascal"):
    """An entry of `GET /v1/catalog/node/NODE`, as far as anybody here looks at it."""

    id: str = field(name="ID")
    service: str
    address: str = ""
    port: int = 0
    tags: tuple[str, ...] | None = None
    weights: Weights | None = None
    modify_index: int = 0


class Node(Struct, frozen=True, rename="pascal"):
    """The answer to `GET /v1/catalog/node/NODE`, with its entries as they are written."""

    services: dict[str, Raw]


OptionalNode = Node | None
"""None for a node that is not there."""


class NodeServices(Struct, frozen=True):
    """All services on a node, by id: as they are written, where that is known, and what that says."""

    written: Mapping[str, Raw] = field(default_factory=dict)
    entries: Mapping[str, CatalogueEntry] = field(default_factory=dict)


_decoder = json.Decoder(CatalogueEntry)


def decode_node_services(written: Mapping[str, Raw], before: NodeServices) -> NodeServices:
    """What is written as it was before is not decoded again. Raises msgspec.MsgspecError."""
    known, entries = before.written, before.entries
    return NodeServices(
        written,
        {
            own: entries[own] if known.get(own) == text else _decoder.decode(text)
            for own, text in written.items()
        },
    )
