"""Holds the services on each node as last read, and computes the changes of each new result."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from discovery.consul import UNKNOWN, CatalogueEntry, NodeServices
from discovery.providers.consul_catalog.instances import instance_of_entry
from discovery.providers.tagged_services.instance import Instance, Key


class Change(Struct):
    """The keys of removed instances, and the instances that are new or changed."""

    removed: list[Key] = field(default_factory=list)
    updated: list[Instance] = field(default_factory=list)

    def add(self, other: Change) -> None:
        """Append another change."""
        self.removed += other.removed
        self.updated += other.updated


class NodeContents:
    """The services on each node.

    Entries that have not changed stay the same objects: most of a node's thousands.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self._services: dict[str, NodeServices] = {}

    @property
    def known_nodes(self) -> Collection[str]:
        """The nodes whose services have been read."""
        return self._services.keys()

    def services_on(self, node: str) -> NodeServices:
        """Return the known services on a node."""
        return self._services.get(node, UNKNOWN)

    def instances(self) -> list[Instance]:
        """Return all instances on all nodes."""
        return [
            instance_of_entry(node, address, entry)
            for node, address in self.addresses.items()
            for entry in self.services_on(node).entries.values()
        ]

    def put_nodes(self, addresses: Mapping[str, str]) -> Change:
        """Replace the list of nodes; the services on a new node are not known yet."""
        before, self.addresses = self.addresses, dict(addresses)
        change = Change()
        for node in before.keys() - addresses.keys():
            change.removed += [(node, own) for own in self._services.pop(node, UNKNOWN).entries]
        for node, address in addresses.items():
            if before.get(node, address) != address:
                change.updated += [
                    instance_of_entry(node, address, entry)
                    for entry in self.services_on(node).entries.values()
                ]
        return change

    def put(self, node: str, services: NodeServices) -> Change:
        """Replace the services on one node."""
        before, entries = self.services_on(node).entries, services.entries
        self._services[node] = services
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
        """Replace all instances of a service, each given with its node; only those on `nodes` count."""
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
