"""Counts the in-flight requests for each key, in all workers of this instance.

The counts are in memory that is shared across the fork. Every worker writes only its own row, and adds up all
rows for the total. The row of a worker that has ended is cleared and given to a new worker. There are fewer
cells than possible keys: a key counts in several cells, chosen by its hash, and the lowest count is used (a
count-min sketch). So a count is never too low, and hardly ever too high.
"""

from __future__ import annotations

import mmap
import os
from hashlib import blake2b

ROWS = 128
"""The number of concurrent workers, including leaving ones, that share counts; any more count alone."""

_CELL_BITS = 16
CELLS = 1 << _CELL_BITS
_HASHES = 4
_BYTES = 4

Cells = tuple[int, ...]
"""The distinct places of one key in a row."""


class SharedCounts:
    """Counts shared across the fork; created before it.

    The master calls `claim` and `assign`, and workers call the rest. A process without a master uses the
    first row.
    """

    def __init__(self, rows: int = ROWS) -> None:
        # The kernel allocates the pages only when they are written to.
        self._counts = _shared_integers(rows * CELLS)
        self._owners = _shared_integers(rows)
        # The number of rows in use.
        self._used = _shared_integers(1)
        self._used[0] = 1
        self._row = 0
        self.shares_rows = True

    @property
    def row(self) -> int:
        """The row of this process; -1 if it has none among those that the workers share."""
        return self._row if self.shares_rows else -1

    @property
    def rows_in_use(self) -> int:
        """The number of rows, from the first, that workers use or have used."""
        return self._used[0]

    def claim(self) -> int:
        """Return a free row for the worker that is forked next and inherits it; -1 if no row is free."""
        for row, owner in enumerate(self._owners):
            if owner and not _is_child(owner):
                self._clear_row(row)
            if not self._owners[row]:
                self._row = row
                self._used[0] = max(self._used[0], row + 1)
                return row
        self._row = -1
        return -1

    def assign(self, row: int, pid: int) -> None:
        """Assign the row to the worker with this process id."""
        for other, owner in enumerate(self._owners):
            if owner == pid:
                # An ended process had this id before.
                self._clear_row(other)
        if row >= 0:
            self._owners[row] = pid

    def begin(self) -> None:
        """Start counting in the worker; if it has no row, count for this worker alone."""
        if self._row >= 0:
            return
        self.shares_rows = False
        self._counts = memoryview(bytearray(CELLS * _BYTES)).cast("I")
        self._used = memoryview(bytearray(_BYTES)).cast("I")
        self._used[0] = 1
        self._row = 0

    def add(self, cells: Cells) -> None:
        """Count one more request in these cells."""
        counts, base = self._counts, self._row * CELLS
        for cell in cells:
            counts[base + cell] += 1

    def remove(self, cells: Cells) -> None:
        """Count one request less in these cells."""
        counts, base = self._counts, self._row * CELLS
        for cell in cells:
            counts[base + cell] -= 1

    def add_up_to(self, limit: int, cells: Cells) -> bool:
        """Count one more request, unless there would be more than `limit`; return whether it counts.

        Of two requests that come at the same moment at the limit, both may be refused; never are too many
        counted.
        """
        self.add(cells)
        counts, rows = self._counts, range(0, self._used[0] * CELLS, CELLS)
        if min(sum(counts[row + cell] for row in rows) for cell in cells) <= limit:
            return True
        self.remove(cells)
        return False

    def _clear_row(self, row: int) -> None:
        self._owners[row] = 0
        self._counts[row * CELLS : (row + 1) * CELLS] = memoryview(bytes(CELLS * _BYTES)).cast("I")


def _shared_integers(count: int) -> memoryview[int]:
    return memoryview(mmap.mmap(-1, count * _BYTES)).cast("I")


def cells_of(key: bytes) -> Cells:
    """Return the cells in which this key counts."""
    key_hash = int.from_bytes(blake2b(key, digest_size=8).digest(), "little")
    return tuple({(key_hash >> (_CELL_BITS * part)) & (CELLS - 1) for part in range(_HASHES)})


def _is_child(pid: int) -> bool:
    """Return whether it is a running child process of this one."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


IN_FLIGHT = SharedCounts()
"""The counts of in-flight requests; all workers share them, because the master imports this module."""
