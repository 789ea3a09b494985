"""What is on each node of the catalogue, as it was last read, and what an answer changes in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from discovery.consul import UNKNOWN, Listing, Registered
from discovery.providers.consul_catalog.instance import Instance, Key, on_node


class Change(Struct):
    """What has gone, and what is new or other than it was."""

    gone: list[Key] = field(default_factory=list)
    fresh: list[Instance] = field(default_factory=list)

    def add(self, other: Change) -> None:
        self.gone += other.gone
        self.fresh += other.fresh


class Contents:
    """Of two thousand entries on a node all but a few are as they were, and are the very same objects."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self._seen: dict[str, Listing] = {}

    @property
    def read(self) -> Collection[str]:
        """The nodes of which it is known what is on them."""
        return self._seen.keys()

    def on(self, node: str) -> Listing:
        """What is known to be on a node."""
        return self._seen.get(node, UNKNOWN)

    def instances(self) -> list[Instance]:
        """All there are."""
        return [
            on_node(node, address, entry)
            for node, address in self.addresses.items()
            for entry in self.on(node).entries.values()
        ]

    def put_nodes(self, addresses: Mapping[str, str]) -> Change:
        """These are all nodes; what is on one that is new is not known yet."""
        before, self.addresses = self.addresses, dict(addresses)
        change = Change()
        for node in before.keys() - addresses.keys():
            change.gone += [(node, own) for own in self._seen.pop(node, UNKNOWN).entries]
        for node, address in addresses.items():
            if before.get(node, address) != address:
                change.fresh += [on_node(node, address, entry) for entry in self.on(node).entries.values()]
        return change

    def put(self, node: str, listing: Listing) -> Change:
        """All there is on one of the nodes."""
        before, entries = self.on(node).entries, listing.entries
        self._seen[node] = listing
        address = self.addresses[node]
        return Change(
            [(node, own) for own in before.keys() - entries.keys()],
            [on_node(node, address, entry) for own, entry in entries.items() if before.get(own) != entry],
        )

    def put_service(
        self, service: str, instances: Iterable[tuple[str, Registered]], nodes: Collection[str]
    ) -> Change:
        """All instances of a service, each with its node; only those on the given nodes count."""
        found: dict[str, dict[str, Registered]] = {
            node: {}
            for node in nodes
            if any(entry.service == service for entry in self.on(node).entries.values())
        }
        for node, entry in instances:
            if node in nodes:
                found.setdefault(node, {})[entry.id] = entry
        change = Change()
        for node, own in found.items():
            before = self.on(node)
            others = {
                key: entry
                for key, entry in before.entries.items()
                if entry.service != service and key not in own
            }
            written = {key: before.written[key] for key in others if key in before.written}
            change.add(self.put(node, Listing(written, {**others, **own})))
        return change
