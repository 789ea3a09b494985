"""What is on each node of the catalogue, as it was last read, and what an answer changes in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from discovery.consul import UNKNOWN, CatalogueEntry, NodeServices
from discovery.providers.consul_catalog.instance import Instance, Key, instance_of_entry


class Change(Struct):
    """What has gone, and what is new or other than it was."""

    removed: list[Key] = field(default_factory=list)
    updated: list[Instance] = field(default_factory=list)

    def add(self, other: Change) -> None:
        self.removed += other.removed
        self.updated += other.updated


class NodeContents:
    """Of two thousand entries on a node all but a few are as they were, and are the very same objects."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self._seen: dict[str, NodeServices] = {}

    @property
    def known_nodes(self) -> Collection[str]:
        """The nodes of which it is known what is on them."""
        return self._seen.keys()

    def services_on(self, node: str) -> NodeServices:
        """What is known to be on a node."""
        return self._seen.get(node, UNKNOWN)

    def instances(self) -> list[Instance]:
        """All there are."""
        return [
            instance_of_entry(node, address, entry)
            for node, address in self.addresses.items()
            for entry in self.services_on(node).entries.values()
        ]

    def put_nodes(self, addresses: Mapping[str, str]) -> Change:
        """These are all nodes; what is on one that is new is not known yet."""
        before, self.addresses = self.addresses, dict(addresses)
        change = Change()
        for node in before.keys() - addresses.keys():
            change.removed += [(node, own) for own in self._seen.pop(node, UNKNOWN).entries]
        for node, address in addresses.items():
            if before.get(node, address) != address:
                change.updated += [
                    instance_of_entry(node, address, entry)
                    for entry in self.services_on(node).entries.values()
                ]
        return change

    def put(self, node: str, listing: NodeServices) -> Change:
        """All there is on one of the nodes."""
        before, entries = self.services_on(node).entries, listing.entries
        self._seen[node] = listing
        address = self.addresses[node]
        return Change(
            [(node, own) for own in before.keys() - entries.keys()],
            [
                instance_of_entry(node, address, entry)
                for own, entry in entries.items()
                if before.get(own) != entry
            ],
        )

    def put_service(
        self, service: str, instances: Iterable[tuple[str, CatalogueEntry]], nodes: Collection[str]
    ) -> Change:
        """All instances of a service, each with its node; only those on the given nodes count."""
        found: dict[str, dict[str, CatalogueEntry]] = {
            node: {}
            for node in nodes
            if any(entry.service == service for entry in self.services_on(node).entries.values())
        }
        for node, entry in instances:
            if node in nodes:
                found.setdefault(node, {})[entry.id] = entry
        change = Change()
        for node, own in found.items():
            before = self.services_on(node)
            others = {
                key: entry
                for key, entry in before.entries.items()
                if entry.service != service and key not in own
            }
            written = {key: before.written[key] for key in others if key in before.written}
            change.add(self.put(node, NodeServices(written, {**others, **own})))
        return change
