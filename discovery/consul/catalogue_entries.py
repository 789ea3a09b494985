"""The services on a node of Consul's catalogue, decoded from JSON."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, Struct, field, json


class Weights(Struct, frozen=True, rename="pascal"):
    """Weights of an instance while its checks pass, and while one of them warns."""

    passing: int = 1
    warning: int = 1


class CatalogueEntry(Struct, frozen=True, rename="pascal"):
    """The fields that we use of an entry of `GET /v1/catalog/node/NODE`."""

    id: str = field(name="ID")
    service: str
    address: str = ""
    port: int = 0
    tags: tuple[str, ...] | None = None
    weights: Weights | None = None
    modify_index: int = 0


class Node(Struct, frozen=True, rename="pascal"):
    """The response to `GET /v1/catalog/node/NODE`, with its entries as raw JSON."""

    services: dict[str, Raw]


NodeOrNone = Node | None
"""The type of that response: `null` for a node that does not exist."""


class NodeServices(Struct, frozen=True):
    """All services on a node by id: `entries` decoded, and `written` as raw JSON where that is known."""

    written: Mapping[str, Raw] = field(default_factory=dict)
    entries: Mapping[str, CatalogueEntry] = field(default_factory=dict)


_decoder = json.Decoder(CatalogueEntry)


def decode_node_services(written: Mapping[str, Raw], before: NodeServices) -> NodeServices:
    """Decode a node's services; entries whose JSON equals that in `before` are not decoded again.

    Raises msgspec.MsgspecError.
    """
    known, entries = before.written, before.entries
    return NodeServices(
        written,
        {
            own: entries[own] if known.get(own) == text else _decoder.decode(text)
            for own, text in written.items()
        },
    )
