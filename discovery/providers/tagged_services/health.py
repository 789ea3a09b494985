"""The health of instances: the worst status of an instance and of its node."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from discovery.providers.tagged_services.instance import Key

PASSING = "passing"
MAINTENANCE = "maintenance"
STATUSES = (PASSING, "warning", "critical", MAINTENANCE)
"""Statuses from best to worst."""

_ALL_PASS: Mapping[Key, str] = MappingProxyType({})


class Health:
    """The status of each instance that is not passing, by key; all other instances are passing.

    A key with an empty id stands for all instances of the node.
    """

    def __init__(self, worst: Mapping[Key, str] = _ALL_PASS) -> None:
        self._worst = worst

    def status_of(self, key: Key) -> str:
        """Return `passing`, `warning`, `critical` or `maintenance`: the worse of node and instance."""
        if not self._worst:
            return PASSING
        node, own = self._worst.get((key[0], ""), PASSING), self._worst.get(key, PASSING)
        return max(node, own, key=STATUSES.index)

    def changed_keys(self, other: Health) -> set[Key]:
        """Return the keys whose own status differs in `other`; a node's key has an empty service id."""
        mine, its = self._worst, other._worst
        return {key for key in mine.keys() | its.keys() if mine.get(key) != its.get(key)}
