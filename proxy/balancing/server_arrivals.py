"""Records when servers joined a service or became available again: the beginning of their slow start.

A later server at the same address has nothing to do with the one before, so leaving addresses are forgotten.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.upstream.endpoint import address_of
from rondpoint.model import MAX_SLOW_START, ServerState

if TYPE_CHECKING:
    from proxy.upstream.endpoint import Address
    from rondpoint.model import Service


class ServerArrivals:
    """The arrival time of each address, kept no longer than the longest possible slow start."""

    def __init__(self) -> None:
        # Oldest arrival first.
        self._arrived: dict[Address, float] = {}

    def record_new_servers(self, before: Service, after: Service) -> None:
        """Record the servers that take requests of this service now and did not before.

        If no server took requests before, nothing is recorded: all new servers start together.
        """
        had = {address_of(server) for server in before.servers if server.state is ServerState.UP}
        if not had:
            return
        for server in after.servers:
            address = address_of(server)
            if server.state is ServerState.UP and address not in had:
                self.record(address)

    def record(self, address: Address) -> None:
        """Record that a server arrives, or is available again, now."""
        now = monotonic()
        arrived = self._arrived
        while arrived and now - arrived[oldest := next(iter(arrived))] > MAX_SLOW_START:
            del arrived[oldest]
        arrived.pop(address, None)
        arrived[address] = now

    def forget(self, address: Address) -> None:
        """Forget an address that no service has any more."""
        self._arrived.pop(address, None)

    def arrived_at(self, address: Address) -> float | None:
        """Return the arrival time (monotonic); None if it is not recorded, or no longer."""
        return self._arrived.get(address)
