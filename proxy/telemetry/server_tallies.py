"""Counts of what servers were asked for, kept like those of routers (`proxy.telemetry.tallies`).

A request finds its cell with its target. Targets come and go with each change of their service, and find
what was counted before by the service's name and the server's URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.upstream.server_counters import ServerCell
from rondpoint.store.metrics import BOUNDS
from rondpoint.store.server_metrics import ServerCounts, field_of

if TYPE_CHECKING:
    from proxy.upstream.endpoint import Target

UPGRADED = 101


class ServerTally:
    """One server's requests for one service, by status; `failures` are attempts that it gave no answer to."""

    __slots__ = ("_bounds", "_failed", "cells", "failures")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.cells: dict[int, ServerCell] = {}
        self.failures = 0
        self._failed = False
        self._bounds = bounds

    def cell(self, status: int) -> ServerCell:
        """The cell of this status, a new one if there was none."""
        cell = self.cells.get(status)
        if cell is None:
            cell = self.cells[status] = ServerCell(len(self._bounds) + 1, status)
        return cell

    def fail(self) -> None:
        """Count an attempt without an answer."""
        self.failures += 1
        self._failed = True

    @property
    def changed(self) -> bool:
        """Whether something was counted since it was last taken back."""
        return self._failed or any(cell.changed for cell in self.cells.values())

    def mark(self, *, changed: bool) -> None:
        """Have it count as changed, or not."""
        self._failed = changed
        for cell in self.cells.values():
            cell.changed = changed

    def counts(self) -> ServerCounts:
        """As others read it."""
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
    """The tallies of a worker by the field of the store that shows them, of servers that were asked."""

    def __init__(self, bounds: tuple[float, ...] = BOUNDS) -> None:
        self._bounds = bounds
        self.all: dict[str, ServerTally] = {}

    def cell(self, target: Target, status: int) -> ServerCell:
        """The cell of such requests, which is the target's from then on."""
        target.cell = cell = self._of(target).cell(status)
        return cell

    def count_upgrade(self, target: Target) -> None:
        """Count a connection that was handed over to another protocol."""
        cell = self._of(target).cell(UPGRADED)
        cell.unmeasured += 1
        cell.changed = True

    def fail(self, target: Target) -> None:
        """Count an attempt that this server gave no answer to."""
        self._of(target).fail()

    def _of(self, target: Target) -> ServerTally:
        field = field_of(target.service, target.url)
        tally = self.all.get(field)
        if tally is None:
            tally = self.all[field] = ServerTally(self._bounds)
        return tally
