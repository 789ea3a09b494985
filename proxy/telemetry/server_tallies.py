"""Request counts of servers, kept like those of routers (`proxy.telemetry.tallies`).

A request finds its cell on its target. Each change of a service replaces its targets; the new ones find the
earlier counts by the service's name and the server's URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.upstream.server_counters import ServerCell
from rondpoint.store.metrics import BOUNDS
from rondpoint.store.server_metrics import ServerCounts, server_field

if TYPE_CHECKING:
    from proxy.upstream.endpoint import Target

UPGRADED = 101


class ServerTally:
    """One server's requests for one service, by status; `failures` counts attempts without a response."""

    __slots__ = ("_bounds", "_failed", "cells", "failures")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.cells: dict[int, ServerCell] = {}
        self.failures = 0
        self._failed = False
        self._bounds = bounds

    def cell(self, status: int) -> ServerCell:
        """Return the cell of this status; create it if needed."""
        cell = self.cells.get(status)
        if cell is None:
            cell = self.cells[status] = ServerCell(len(self._bounds) + 1, status)
        return cell

    def count_failure(self) -> None:
        """Count an attempt without a response."""
        self.failures += 1
        self._failed = True

    @property
    def changed(self) -> bool:
        """Whether anything was counted since the last `mark(changed=False)`."""
        return self._failed or any(cell.changed for cell in self.cells.values())

    def mark(self, *, changed: bool) -> None:
        """Set or reset the changed flags."""
        self._failed = changed
        for cell in self.cells.values():
            cell.changed = changed

    def counts(self) -> ServerCounts:
        """Return the counts in the form of the store."""
        buckets = [0] * (len(self._bounds) + 1)
        for cell in self.cells.values():
            buckets = list(map(int.__add__, buckets, cell.buckets))
        return ServerCounts(
            codes={status: cell.requests for status, cell in sorted(self.cells.items())},
            buckets=tuple(buckets),
            seconds=round(sum(cell.seconds for cell in self.cells.values()), 6),
            failures=self.failures,
            bounds=self._bounds,
        )


class ServerTallies:
    """A worker's tallies of servers that were sent requests, by their field in the store."""

    def __init__(self, bounds: tuple[float, ...] = BOUNDS) -> None:
        self._bounds = bounds
        self.all: dict[str, ServerTally] = {}

    def cell(self, target: Target, status: int) -> ServerCell:
        """Return the cell of this target and status, and store it on the target for the next request."""
        target.cell = cell = self._tally(target).cell(status)
        return cell

    def count_upgrade(self, target: Target) -> None:
        """Count a connection that was upgraded to another protocol."""
        cell = self._tally(target).cell(UPGRADED)
        cell.unmeasured += 1
        cell.changed = True

    def count_failure(self, target: Target) -> None:
        """Count an attempt without a response from this server."""
        self._tally(target).count_failure()

    def _tally(self, target: Target) -> ServerTally:
        field = server_field(target.service, target.url)
        tally = self.all.get(field)
        if tally is None:
            tally = self.all[field] = ServerTally(self._bounds)
        return tally
