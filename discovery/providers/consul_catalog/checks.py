"""Keeps the health of the inventory's instances current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discovery.consul import Client, QueryResult
from discovery.providers.consul_catalog.health import health_of
from discovery.providers.tagged_services.inventory import Inventory


class CatalogueChecks:
    """Passes the newest result about health checks on to the inventory."""

    def __init__(self, reader: Client, inventory: Inventory) -> None:
        self._reader = reader
        self._inventory = inventory
        self._index = 0

    def update(self, checks: QueryResult[Sequence[Mapping[str, Any]]]) -> None:
        """Take a result, unless a newer one has been taken."""
        # The reader and the blocking query may overtake each other. Index 0 means that Consul has been reset.
        if checks.index == 0 or checks.index >= self._index:
            self._index = checks.index
            self._inventory.set_health(health_of(checks.data))

    def refresh(self, index: int = 0) -> None:
        """Read the checks, unless they are known as of `index`, at which the services were read.

        Call this before new instances are added: an instance that is not ready must not count as ready.
        """
        if not index or self._index < index:
            self.update(self._reader.failing_checks())
