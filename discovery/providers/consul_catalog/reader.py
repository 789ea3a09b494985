"""Reading the catalogue: node by node as they tell of changes, and the rest when there is word of one.

A node that is followed tells what changed on it. Of the others, one query tells that some service changed,
somewhere: a change that shows in the names or tags of services is read at once, service by service, and then
all those nodes are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from discovery.consul import Answer, Client, Listing, Registered
from discovery.consul.blocking_queries import Following, News
from discovery.providers.consul_catalog.checks import Checks
from discovery.providers.consul_catalog.instance import Instance
from discovery.providers.consul_catalog.inventory import Inventory
from discovery.providers.consul_catalog.node_contents import Change, Contents
from discovery.providers.consul_catalog.queries import (
    CHECKS,
    CONSUL,
    FOLLOWED,
    NAMES,
    NODES,
    ON,
    Names,
    ask_for_names,
    ask_for_node,
    differing,
    read_service,
    unseen,
)

FEW = 10
"""As many services are read one by one before everything is."""

PACE = 0.05
"""Seconds after which something new is told again while everything is read."""


class Reading:
    """Keeps the inventory as the catalogue is: a query for each of FOLLOWED nodes, and one for all others."""

    def __init__(self, following: Following, reader: Client, checks: Checks, inventory: Inventory) -> None:
        self._following = following
        self._reader = reader
        self._checks = checks
        self._inventory = inventory
        self._contents = Contents()
        self._followed: set[str] = set()
        self._names: Names | None = None
        self._asks_for_names = False
        self._unread = False
        self._rested = 0.0
        self._keep_until: float | None = None

    @property
    def due(self) -> float | None:
        """When (monotonic) there is something to read without any news."""
        return self._rested if self._unread else None

    def begin(self, nodes: Sequence[Mapping[str, Any]]) -> list[Instance]:
        """Follow what is to be followed; every instance that is there."""
        self._put_nodes(nodes)
        while self._followed - set(self._contents.read) or (self._asks_for_names and self._names is None):
            news = self._following.take()
            if CHECKS in news:
                self._checks.note(news[CHECKS])
            if NODES in news:
                self._put_nodes(news[NODES].data)
            if NAMES in news:
                self._names = self._checked(news[NAMES])
            for node, answer in self._answers(news).items():
                self._contents.put(node, answer.data)
        for node, listing in self._read_rest():
            self._contents.put(node, listing)
        self._unread = False
        found = self._contents.instances()
        if CONSUL in self._inventory and not any(each.service == CONSUL for each in found):
            raise unseen("service:read")
        return found

    def apply(self, news: News, keep_until: float | None, changed: Callable[[], None]) -> None:
        """Bring the inventory up to date; what has gone is kept until then, where a time is given.

        `changed` is called when some of the news are in the inventory before all are.
        """
        self._keep_until = keep_until or self._keep_until
        change = Change()
        if NODES in news:
            change.add(self._put_nodes(news[NODES].data))
        answers = self._answers(news)
        for node, answer in answers.items():
            change.add(self._contents.put(node, answer.data))
        indexes = [answer.index for answer in answers.values()]
        self._bring_in(change, keep_until, 0 if 0 in indexes else max(indexes, default=0))
        if NAMES in news:
            before, self._names = self._names or {}, self._checked(news[NAMES])
            self._unread = True
            if self._keep_until is None:
                self._read_few(differing(before, self._names))
        if self._unread and time.monotonic() >= self._rested:
            changed()
            self._sweep(changed)

    def _answers(self, news: News) -> dict[str, Answer[Listing]]:
        """By node."""
        found = {name.removeprefix(ON): answer for name, answer in news.items() if name.startswith(ON)}
        return {node: answer for node, answer in found.items() if node in self._followed}

    def _put_nodes(self, nodes: Sequence[Mapping[str, Any]]) -> Change:
        """These are all nodes: follow those that can be, and no others."""
        found = {each["Node"]: each.get("Address") or "" for each in nodes}
        if not found:
            raise unseen("node:read")
        fresh = found.keys() - self._contents.addresses.keys()
        change = self._contents.put_nodes(found)
        for node in self._followed - found.keys():
            self._followed.remove(node)
            self._following.forget(ON + node)
        for node in found:
            if len(self._followed) >= FOLLOWED:
                break
            if node not in self._followed:
                self._followed.add(node)
                self._following.follow(ON + node, ask_for_node(node))
        rest = len(found) > len(self._followed)
        if rest and not self._asks_for_names:
            self._following.follow(NAMES, ask_for_names)
        elif self._asks_for_names and not rest:
            self._following.forget(NAMES)
            self._names = None
        self._asks_for_names = rest
        self._unread = rest and (self._unread or bool(fresh - self._followed))
        return change

    def _checked(self, answer: Answer[Names]) -> Names:
        if CONSUL in self._inventory and CONSUL not in answer.data:
            raise unseen("service:read")
        return answer.data

    def _rest(self) -> set[str]:
        """The nodes that are not followed."""
        return self._contents.addresses.keys() - self._followed

    def _read_few(self, names: set[str]) -> None:
        """What is known to have changed does not wait for all the rest."""
        if not names or len(names) > FEW or len(self._inventory) <= FEW:
            return
        rest = self._rest()
        change = Change()
        for name in names:
            change.add(self._contents.put_service(name, read_service(self._reader, name), rest))
        self._bring_in(change, None)

    def _sweep(self, changed: Callable[[], None]) -> None:
        """Read the rest. What is new is told on the way, what has gone at the end: it may have moved."""
        started = time.monotonic()
        self._unread = False
        told = 0.0
        change = Change()
        for node, listing in self._read_rest():
            change.add(self._contents.put(node, listing))
            if change.fresh and time.monotonic() >= told + PACE:
                self._bring_in(Change(fresh=change.fresh), None)
                change.fresh = []
                changed()
                told = time.monotonic()
        self._bring_in(change, self._keep_until)
        self._keep_until = None
        # A catalogue that never rests costs half a core at most, however large it is.
        self._rested = 2 * time.monotonic() - started

    def _read_rest(self) -> Iterator[tuple[str, Listing]]:
        """What is on the nodes that are not followed, read by node or by service, whichever are fewer."""
        rest = sorted(self._rest())
        names = self._names
        if names is None or len(names) >= len(rest):
            for node in rest:
                yield node, self._reader.services_on(node, before=self._contents.on(node)).data
            return
        found: dict[str, dict[str, Registered]] = {node: {} for node in rest}
        for name in sorted(names):
            for node, entry in read_service(self._reader, name):
                if node in found:
                    found[node][entry.id] = entry
        for node, entries in found.items():
            yield node, Listing(entries=entries)

    def _bring_in(self, change: Change, keep_until: float | None, index: int = 0) -> None:
        """`index` is that of the answers which told of it, if they all have one."""
        if change.gone and CONSUL in self._inventory and not read_service(self._reader, CONSUL):
            # A token that may see nothing any more sees everything go.
            raise unseen("service:read")
        if change.fresh:
            self._checks.read(index)
        for key in change.gone:
            self._inventory.remove(key, keep_until=keep_until)
        for each in change.fresh:
            self._inventory.put(each)
