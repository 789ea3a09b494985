"""Reads the catalogue: followed nodes report their changes, all others are read after any change.

The query of a followed node returns the changes on that node. For the other nodes, one query reports that
some service changed. If names or tags of services changed, those services are read at once; then all
unfollowed nodes are read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from discovery.consul import CatalogueEntry, Client, NodeServices, QueryResult
from discovery.consul.blocking_queries import BlockingQueries, Results
from discovery.providers.consul_catalog.checks import CatalogueChecks
from discovery.providers.consul_catalog.node_contents import Change, NodeContents
from discovery.providers.consul_catalog.queries import (
    CHECKS,
    CONSUL,
    MAX_FOLLOWED_NODES,
    NAMES,
    NODE_PREFIX,
    NODES,
    Names,
    changed_services,
    missing_permission,
    node_query,
    query_names,
    read_service,
)
from discovery.providers.tagged_services.instance import Instance
from discovery.providers.tagged_services.inventory import Inventory

MAX_SINGLE_READS = 10
"""The most changed services that are read one by one before all unfollowed nodes are read."""

PROGRESS_INTERVAL = 0.05
"""Seconds between two partial updates while the unfollowed nodes are read."""


class CatalogueReader:
    """Keeps the inventory equal to the catalogue: a query for each followed node, and one for all others."""

    def __init__(
        self, blocking_queries: BlockingQueries, reader: Client, checks: CatalogueChecks, inventory: Inventory
    ) -> None:
        self._queries = blocking_queries
        self._reader = reader
        self._checks = checks
        self._inventory = inventory
        self._contents = NodeContents()
        self._followed: set[str] = set()
        self._names: Names | None = None
        self._follows_names = False
        self._outdated = False
        self._next_read = 0.0
        self._keep_until: float | None = None

    @property
    def due(self) -> float | None:
        """When (monotonic) the unfollowed nodes are due to be read; None if they are up to date."""
        return self._next_read if self._outdated else None

    def read_all(self, nodes: Sequence[Mapping[str, Any]]) -> list[Instance]:
        """Start the node queries; return all instances of the catalogue."""
        self._put_nodes(nodes)
        while self._followed - set(self._contents.known_nodes) or (
            self._follows_names and self._names is None
        ):
            results = self._queries.take()
            if CHECKS in results:
                self._checks.update(results[CHECKS])
            if NODES in results:
                self._put_nodes(results[NODES].data)
            if NAMES in results:
                self._names = self._validated(results[NAMES])
            for node, result in self._node_results(results).items():
                self._contents.put(node, result.data)
        for node, services in self._read_unfollowed():
            self._contents.put(node, services)
        self._outdated = False
        found = self._contents.instances()
        if CONSUL in self._inventory and not any(each.service == CONSUL for each in found):
            raise missing_permission("service:read")
        return found

    def apply(self, results: Results, keep_until: float | None, changed: Callable[[], None]) -> None:
        """Apply query results to the inventory; removed services stay until `keep_until` (monotonic), if set.

        `changed` is called after each partial update.
        """
        self._keep_until = keep_until or self._keep_until
        change = Change()
        if NODES in results:
            change.add(self._put_nodes(results[NODES].data))
        node_results = self._node_results(results)
        for node, result in node_results.items():
            change.add(self._contents.put(node, result.data))
        indexes = [result.index for result in node_results.values()]
        self._apply_change(change, keep_until, 0 if 0 in indexes else max(indexes, default=0))
        if NAMES in results:
            before, self._names = self._names or {}, self._validated(results[NAMES])
            self._outdated = True
            if self._keep_until is None:
                self._read_services(changed_services(before, self._names))
        if self._outdated and time.monotonic() >= self._next_read:
            changed()
            self._update_unfollowed(changed)

    def _node_results(self, results: Results) -> dict[str, QueryResult[NodeServices]]:
        """Return the results of the followed nodes, by node."""
        found = {
            name.removeprefix(NODE_PREFIX): result
            for name, result in results.items()
            if name.startswith(NODE_PREFIX)
        }
        return {node: result for node, result in found.items() if node in self._followed}

    def _put_nodes(self, nodes: Sequence[Mapping[str, Any]]) -> Change:
        """Replace the list of nodes: follow as many as possible, and stop to follow removed ones."""
        found = {each["Node"]: each.get("Address") or "" for each in nodes}
        if not found:
            raise missing_permission("node:read")
        updated = found.keys() - self._contents.addresses.keys()
        change = self._contents.put_nodes(found)
        for node in self._followed - found.keys():
            self._followed.remove(node)
            self._queries.unfollow(NODE_PREFIX + node)
        for node in found:
            if len(self._followed) >= MAX_FOLLOWED_NODES:
                break
            if node not in self._followed:
                self._followed.add(node)
                self._queries.follow(NODE_PREFIX + node, node_query(node))
        unfollowed = len(found) > len(self._followed)
        if unfollowed and not self._follows_names:
            self._queries.follow(NAMES, query_names)
        elif self._follows_names and not unfollowed:
            self._queries.unfollow(NAMES)
            self._names = None
        self._follows_names = unfollowed
        self._outdated = unfollowed and (self._outdated or bool(updated - self._followed))
        return change

    def _validated(self, result: QueryResult[Names]) -> Names:
        if CONSUL in self._inventory and CONSUL not in result.data:
            raise missing_permission("service:read")
        return result.data

    def _unfollowed_nodes(self) -> set[str]:
        """Return the nodes that no query follows."""
        return self._contents.addresses.keys() - self._followed

    def _read_services(self, names: set[str]) -> None:
        """Read the given services on the unfollowed nodes at once, unless there are too many."""
        if not names or len(names) > MAX_SINGLE_READS or len(self._inventory) <= MAX_SINGLE_READS:
            return
        unfollowed = self._unfollowed_nodes()
        change = Change()
        for name in names:
            change.add(self._contents.put_service(name, read_service(self._reader, name), unfollowed))
        self._apply_change(change, None)

    def _update_unfollowed(self, changed: Callable[[], None]) -> None:
        """Read the unfollowed nodes.

        Apply new instances on the way, and removals at the end: they may have moved.
        """
        started = time.monotonic()
        self._outdated = False
        reported_at = 0.0
        change = Change()
        for node, services in self._read_unfollowed():
            change.add(self._contents.put(node, services))
            if change.updated and time.monotonic() >= reported_at + PROGRESS_INTERVAL:
                self._apply_change(Change(updated=change.updated), None)
                change.updated = []
                changed()
                reported_at = time.monotonic()
        self._apply_change(change, self._keep_until)
        self._keep_until = None
        # Readings pause as long as they last, so a catalogue in constant motion costs half a core at most.
        self._next_read = 2 * time.monotonic() - started

    def _read_unfollowed(self) -> Iterator[tuple[str, NodeServices]]:
        """Yield the services on each unfollowed node, read by node or by service, whichever are fewer."""
        unfollowed = sorted(self._unfollowed_nodes())
        names = self._names
        if names is None or len(names) >= len(unfollowed):
            for node in unfollowed:
                yield node, self._reader.services_on(node, before=self._contents.services_on(node)).data
            return
        found: dict[str, dict[str, CatalogueEntry]] = {node: {} for node in unfollowed}
        for name in sorted(names):
            for node, entry in read_service(self._reader, name):
                if node in found:
                    found[node][entry.id] = entry
        for node, entries in found.items():
            yield node, NodeServices(entries=entries)

    def _apply_change(self, change: Change, keep_until: float | None, index: int = 0) -> None:
        """Apply a change; `index` is Consul's index of the results that it comes from, 0 if one has none."""
        if change.removed and CONSUL in self._inventory and not read_service(self._reader, CONSUL):
            # If the token has lost its rights, everything looks removed.
            raise missing_permission("service:read")
        if change.updated:
            self._checks.refresh(index)
        for key in change.removed:
            self._inventory.remove(key, keep_until=keep_until)
        for each in change.updated:
            self._inventory.put(each)
