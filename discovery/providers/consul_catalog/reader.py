"""Reading the catalogue: node by node as they tell of changes, and the rest when there is word of one.

A node that is followed tells what changed on it. Of the others, one query tells that some service changed,
somewhere: a change that shows in the names or tags of services is read at once, service by service, and then
all those nodes are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from discovery.consul import CatalogueEntry, Client, NodeServices, QueryResult
from discovery.consul.blocking_queries import BlockingQueries, Results
from discovery.providers.consul_catalog.checks import CatalogueChecks
from discovery.providers.consul_catalog.instance import Instance
from discovery.providers.consul_catalog.inventory import Inventory
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

MAX_SINGLE_READS = 10
"""As many services are read one by one before everything is."""

PROGRESS_INTERVAL = 0.05
"""Seconds after which something new is told again while everything is read."""


class CatalogueReader:
    """Keeps the inventory as the catalogue is: a query for each of FOLLOWED nodes, and one for all others."""

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
        """When (monotonic) there is something to read without any news."""
        return self._next_read if self._outdated else None

    def read_all(self, nodes: Sequence[Mapping[str, Any]]) -> list[Instance]:
        """Follow what is to be followed; every instance that is there."""
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
            for node, answer in self._node_results(results).items():
                self._contents.put(node, answer.data)
        for node, listing in self._read_unfollowed():
            self._contents.put(node, listing)
        self._outdated = False
        found = self._contents.instances()
        if CONSUL in self._inventory and not any(each.service == CONSUL for each in found):
            raise missing_permission("service:read")
        return found

    def apply(self, results: Results, keep_until: float | None, changed: Callable[[], None]) -> None:
        """Bring the inventory up to date; what has gone is kept until then, where a time is given.

        `changed` is called when some of the news are in the inventory before all are.
        """
        self._keep_until = keep_until or self._keep_until
        change = Change()
        if NODES in results:
            change.add(self._put_nodes(results[NODES].data))
        answers = self._node_results(results)
        for node, answer in answers.items():
            change.add(self._contents.put(node, answer.data))
        indexes = [answer.index for answer in answers.values()]
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
        """By node."""
        found = {
            name.removeprefix(NODE_PREFIX): answer
            for name, answer in results.items()
            if name.startswith(NODE_PREFIX)
        }
        return {node: answer for node, answer in found.items() if node in self._followed}

    def _put_nodes(self, nodes: Sequence[Mapping[str, Any]]) -> Change:
        """These are all nodes: follow those that can be, and no others."""
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
        rest = len(found) > len(self._followed)
        if rest and not self._follows_names:
            self._queries.follow(NAMES, query_names)
        elif self._follows_names and not rest:
            self._queries.unfollow(NAMES)
            self._names = None
        self._follows_names = rest
        self._outdated = rest and (self._outdated or bool(updated - self._followed))
        return change

    def _validated(self, answer: QueryResult[Names]) -> Names:
        if CONSUL in self._inventory and CONSUL not in answer.data:
            raise missing_permission("service:read")
        return answer.data

    def _unfollowed_nodes(self) -> set[str]:
        """The nodes that are not followed."""
        return self._contents.addresses.keys() - self._followed

    def _read_services(self, names: set[str]) -> None:
        """What is known to have changed does not wait for all the rest."""
        if not names or len(names) > MAX_SINGLE_READS or len(self._inventory) <= MAX_SINGLE_READS:
            return
        rest = self._unfollowed_nodes()
        change = Change()
        for name in names:
            change.add(self._contents.put_service(name, read_service(self._reader, name), rest))
        self._apply_change(change, None)

    def _update_unfollowed(self, changed: Callable[[], None]) -> None:
        """Read the rest. What is new is told on the way, what has gone at the end: it may have moved."""
        started = time.monotonic()
        self._outdated = False
        told = 0.0
        change = Change()
        for node, listing in self._read_unfollowed():
            change.add(self._contents.put(node, listing))
            if change.updated and time.monotonic() >= told + PROGRESS_INTERVAL:
                self._apply_change(Change(updated=change.updated), None)
                change.updated = []
                changed()
                told = time.monotonic()
        self._apply_change(change, self._keep_until)
        self._keep_until = None
        # A catalogue that never rests costs half a core at most, however large it is.
        self._next_read = 2 * time.monotonic() - started

    def _read_unfollowed(self) -> Iterator[tuple[str, NodeServices]]:
        """What is on the nodes that are not followed, read by node or by service, whichever are fewer."""
        rest = sorted(self._unfollowed_nodes())
        names = self._names
        if names is None or len(names) >= len(rest):
            for node in rest:
                yield node, self._reader.services_on(node, before=self._contents.services_on(node)).data
            return
        found: dict[str, dict[str, CatalogueEntry]] = {node: {} for node in rest}
        for name in sorted(names):
            for node, entry in read_service(self._reader, name):
                if node in found:
                    found[node][entry.id] = entry
        for node, entries in found.items():
            yield node, NodeServices(entries=entries)

    def _apply_change(self, change: Change, keep_until: float | None, index: int = 0) -> None:
        """`index` is that of the answers which told of it, if they all have one."""
        if change.removed and CONSUL in self._inventory and not read_service(self._reader, CONSUL):
            # A token that may see nothing any more sees everything go.
            raise missing_permission("service:read")
        if change.updated:
            self._checks.read(index)
        for key in change.removed:
            self._inventory.remove(key, keep_until=keep_until)
        for each in change.updated:
            self._inventory.put(each)
