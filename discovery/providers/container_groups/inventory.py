"""Holds the known groups of containers, and builds the provider's configuration from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from discovery.decoding.decoded import Decoded
from discovery.labels.container import Container
from discovery.merging.guarded_decoding import decode_guarded
from discovery.merging.union import Union
from discovery.providers.container_groups.group import ContainerGroup
from rondpoint.configuration import Configuration

Decode = Callable[[Container], Decoded]


class Inventory:
    """The groups by id. Each container is decoded once, and again only after it changed."""

    def __init__(self, decode: Decode, provider: str) -> None:
        self._decode = decode
        self._provider = provider
        self._union = Union(provider)
        self._groups: dict[str, ContainerGroup] = {}
        self._missing: dict[str, float] = {}

    @property
    def next_expiry(self) -> float | None:
        """When (monotonic) the first missing group expires; None if none is kept."""
        return min(self._missing.values(), default=None)

    @property
    def waiting(self) -> bool:
        """Whether a group may change without an event."""
        return any(each.waiting for each in self._groups.values())

    def replace(self, groups: Mapping[str, ContainerGroup], *, keep_until: float | None = None) -> bool:
        """Replace all groups; return whether definitions may differ.

        Missing groups are kept until `keep_until` (monotonic), or until the time of an earlier call.
        """
        changed = False
        now = time.monotonic()
        for own in self._groups.keys() - groups.keys():
            if keep_until is not None:
                self._missing.setdefault(own, keep_until)
            if self._missing.get(own, now) <= now:
                self._put(own, None)
                changed = True
        for own, group in groups.items():
            self._missing.pop(own, None)
            if self._groups.get(own) != group:
                self._put(own, group)
                changed = True
        return changed

    def configuration(self) -> Configuration:
        """Return the configuration of all groups."""
        return self._union.configuration()

    def _put(self, own: str, group: ContainerGroup | None) -> None:
        """Replace one group; None removes it."""
        before = {} if own not in self._groups else {each.id: each for each in self._groups[own].containers}
        after = {} if group is None else {each.id: each for each in group.containers}
        for key in before.keys() - after.keys():
            self._union.remove(f"{own} {key}")
        for key, container in after.items():
            if before.get(key) != container:
                self._union.put(f"{own} {key}", self._decode_one(container))
        if group is None:
            del self._groups[own]
            self._missing.pop(own, None)
            self._union.remove(own)
            return
        self._groups[own] = group
        self._union.put(own, Decoded(own, diagnostics=group.diagnostics))

    def _decode_one(self, container: Container) -> Decoded:
        subject = f"{container.kind} {container.name}"
        (decoded,) = decode_guarded(lambda: (self._decode(container),), subject, "labels", self._provider)
        return decoded
