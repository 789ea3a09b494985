"""When servers came to services that had others, or came back: where their slow start begins."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.upstream.endpoint import address_of
from rondpoint.model import LONGEST_SLOW_START, ServerState

if TYPE_CHECKING:
    from proxy.upstream.endpoint import Address
    from rondpoint.model import Service


class ServerArrivals:
    """Remembers each no longer than any slow start may take."""

    def __init__(self) -> None:
        # In the order in which they came.
        self._since: dict[Address, float] = {}

    def compare(self, before: Service, after: Service) -> None:
        """Note which servers take requests of this service that did not; none where it had no others."""
        had = {address_of(server) for server in before.servers if server.state is ServerState.UP}
        if not had:
            return
        for server in after.servers:
            address = address_of(server)
            if server.state is ServerState.UP and address not in had:
                self.note(address)

    def note(self, address: Address) -> None:
        """A server has come, or come back, now."""
        now = monotonic()
        since = self._since
        while since and now - since[oldest := next(iter(since))] > LONGEST_SLOW_START:
            del since[oldest]
        since.pop(address, None)
        since[address] = now

    def since(self, address: Address) -> float | None:
        """When it came (monotonic), as far as that is remembered."""
        return self._since.get(address)
