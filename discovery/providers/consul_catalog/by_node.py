"""Following what is on each node of the catalogue: a change comes with the query that tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from discovery.consul import Client, Registered
from discovery.consul.following import Ask, Following, News
from discovery.providers.consul_catalog.catalogue import CHECKS, CONSUL, FOLLOWED, NODES, read_service, unseen
from discovery.providers.consul_catalog.checks import Checks
from discovery.providers.consul_catalog.instance import Instance, Key, on_node
from discovery.providers.consul_catalog.inventory import Inventory

_ON = "on "
_Services = Mapping[str, Registered]


class ByNode:
    """As many queries as there are nodes, beside those that every reading has."""

    due: float | None = None
    """Nothing is ever left to be read."""

    def __init__(self, following: Following, reader: Client, checks: Checks, inventory: Inventory) -> None:
        self._following = following
        self._reader = reader
        self._checks = checks
        self._inventory = inventory
        self._nodes: dict[str, str] = {}
        self._seen: dict[str, _Services] = {}

    def begin(self, nodes: Sequence[Mapping[str, Any]]) -> list[Instance]:
        """Follow the nodes; every instance that is there."""
        self._note_nodes(nodes)
        while self._nodes.keys() - self._seen.keys():
            news = self._following.take()
            if CHECKS in news:
                self._checks.note(news[CHECKS])
            if NODES in news:
                self._note_nodes(news[NODES].data)
            self._seen.update(self._answers(news))
        found = [
            on_node(node, self._nodes[node], entry)
            for node in self._nodes
            for entry in self._seen[node].values()
        ]
        if CONSUL in self._inventory and not any(each.service == CONSUL for each in found):
            raise unseen("service:read")
        return found

    @property
    def outgrown(self) -> bool:
        """Whether there are far more nodes than there were, and too many to follow each."""
        return len(self._nodes) > 1.5 * FOLLOWED

    def apply(self, news: News, keep_until: float | None, changed: Callable[[], None]) -> None:
        """Bring the inventory up to date; what has gone is kept until then, where a time is given."""
        found: dict[str, _Services] = {}
        moved: set[str] = set()
        if NODES in news:
            moved = self._note_nodes(news[NODES].data)
            found = {node: self._seen[node] if node in self._nodes else {} for node in moved}
        found |= self._answers(news)
        gone: list[Key] = []
        fresh: list[Instance] = []
        for node, services in found.items():
            before = self._seen.get(node, {})
            gone += [(node, own) for own in before.keys() - services.keys()]
            fresh += [
                on_node(node, self._nodes[node], entry)
                for own, entry in services.items()
                if node in moved or before.get(own) != entry
            ]
            self._seen[node] = services
        self._check_sight(gone)
        if fresh:
            self._checks.read()
        for key in gone:
            self._inventory.remove(key, keep_until=keep_until)
        for each in fresh:
            self._inventory.put(each)

    def _answers(self, news: News) -> dict[str, _Services]:
        """By node."""
        found = {name.removeprefix(_ON): answer.data for name, answer in news.items() if name.startswith(_ON)}
        return {node: services for node, services in found.items() if node in self._nodes}

    def _note_nodes(self, nodes: Sequence[Mapping[str, Any]]) -> set[str]:
        """Follow these and no others; those that have gone, or have another address, are returned."""
        before = self._nodes
        self._nodes = {each["Node"]: each.get("Address") or "" for each in nodes}
        if not self._nodes:
            raise unseen("node:read")
        for node in before.keys() - self._nodes.keys():
            self._following.forget(_ON + node)
        for node in self._nodes.keys() - before.keys():
            self._seen.pop(node, None)
            self._following.follow(_ON + node, _services_on(node))
        return {node for node, address in before.items() if self._nodes.get(node) != address}

    def _check_sight(self, gone: Sequence[Key]) -> None:
        """A token that may see nothing any more sees everything go."""
        if gone and CONSUL in self._inventory and not read_service(self._reader, CONSUL):
            raise unseen("service:read")


def _services_on(node: str) -> Ask:
    return lambda client, index: client.services_on(node, index)
