"""Reading a catalogue of many nodes: little when it is known what changed, everything otherwise.

One query tells that some service changed, and none which. A change that shows in the names or tags of
services is read at once, service by service, and then everything is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from discovery.consul import Answer, Client
from discovery.consul.following import Following, News
from discovery.providers.consul_catalog.catalogue import CHECKS, CONSUL, NODES, read_all, read_service, unseen
from discovery.providers.consul_catalog.checks import Checks
from discovery.providers.consul_catalog.instance import Instance
from discovery.providers.consul_catalog.inventory import Inventory

FEW = 10
"""As many services are read one by one before everything is."""

SERVICES = "services"
Names = Mapping[str, Sequence[str]]


class Whole:
    """One query, whatever the number of nodes, beside those that every reading has."""

    outgrown = False

    def __init__(self, following: Following, reader: Client, checks: Checks, inventory: Inventory) -> None:
        self._following = following
        self._reader = reader
        self._checks = checks
        self._inventory = inventory
        self._nodes: dict[str, str] = {}
        self._names: Names = {}
        self._unread = False
        self._rested = 0.0
        self._keep_until: float | None = None

    @property
    def due(self) -> float | None:
        """When (monotonic) there is something to read without any news."""
        return self._rested if self._unread else None

    def begin(self, nodes: Sequence[Mapping[str, Any]]) -> list[Instance]:
        """Follow names and tags of services; every instance that is there."""
        self._note_nodes(nodes)
        self._following.follow(SERVICES, lambda client, index: client.services(index))
        while not self._names:
            news = self._following.take()
            if CHECKS in news:
                self._checks.note(news[CHECKS])
            if NODES in news:
                self._note_nodes(news[NODES].data)
            if SERVICES in news:
                self._note_names(news[SERVICES])
        return self._read_all()

    def apply(self, news: News, keep_until: float | None, changed: Callable[[], None]) -> None:
        """Bring the inventory up to date; what has gone is kept until then, where a time is given.

        `changed` is called when some of the news are in the inventory before all are.
        """
        self._keep_until = keep_until or self._keep_until
        if NODES in news:
            self._note_nodes(news[NODES].data)
        if SERVICES in news:
            before = self._names
            self._note_names(news[SERVICES])
            if self._keep_until is None and self._read_few(differing(before, self._names)):
                changed()
        if self._unread and time.monotonic() >= self._rested:
            found = self._read_all()
            self._checks.read()
            self._inventory.replace(found, keep_until=self._keep_until)
            self._keep_until = None

    def _note_nodes(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        found = {each["Node"]: each.get("Address") or "" for each in nodes}
        if not found:
            raise unseen("node:read")
        self._unread |= found != self._nodes
        self._nodes = found

    def _note_names(self, answer: Answer[Names]) -> None:
        if CONSUL in self._inventory and CONSUL not in answer.data:
            raise unseen("service:read")
        self._names = answer.data
        self._unread = True

    def _read_few(self, names: set[str]) -> bool:
        """What is known to have changed does not wait for all the rest; whether anything was read."""
        if not names or len(names) > FEW or len(self._inventory) <= FEW:
            return False
        found = {name: read_service(self._reader, name) for name in names}
        self._checks.read()
        for name, instances in found.items():
            self._inventory.put_service(name, instances)
        return True

    def _read_all(self) -> list[Instance]:
        started = time.monotonic()
        found = read_all(self._reader, self._names, self._nodes)
        self._unread = False
        # A catalogue that never rests costs half a core at most, however large it is.
        self._rested = 2 * time.monotonic() - started
        return found


def differing(before: Names, after: Names) -> set[str]:
    """Services that came, went, or have other tags."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or sorted(before[name]) != sorted(after[name])
    }
