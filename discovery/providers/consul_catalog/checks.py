"""The state of health of what is in the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discovery.consul import Client, QueryResult
from discovery.providers.consul_catalog.health import Health
from discovery.providers.consul_catalog.inventory import Inventory


class CatalogueChecks:
    """Puts the newest that is known of checks into the inventory."""

    def __init__(self, reader: Client, inventory: Inventory) -> None:
        self._reader = reader
        self._inventory = inventory
        self._index = 0

    def update(self, checks: QueryResult[Sequence[Mapping[str, Any]]]) -> None:
        # The reader and the query that waits overtake each other; 0 is where Consul starts anew.
        if checks.index == 0 or checks.index >= self._index:
            self._index = checks.index
            self._inventory.set_health(Health(checks.data))

    def read(self, index: int = 0) -> None:
        """To be called with new services: one that is not ready yet must not be taken for a ready one.

        Where what is known of checks is as new as the services, which were seen at `index`, nothing is read.
        """
        if not index or self._index < index:
            self.update(self._reader.failing_checks())
