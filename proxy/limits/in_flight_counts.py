"""How many requests are under way for each key, in all workers of this instance.

The counts lie in memory that is shared across the fork. Every worker writes its own row alone, and adds up
all rows to know the whole; a row whose worker is gone is emptied and given to the next. There are fewer
cells than keys may come: a key counts in several, by its hash, and the lowest of them is taken (a count-min
sketch). So a count is never too low, and hardly ever too high.
"""

from __future__ import annotations

import mmap
import os
from hashlib import blake2b

ROWS = 128
"""Workers at a time, leaving ones included; any more count for themselves."""

_CELL_BITS = 16
CELLS = 1 << _CELL_BITS
_LOOKS = 4
_BYTES = 4


class SharedCounts:
    """Made before the fork; `claim` and `assign` are the master's, the rest the workers'.

    A process that has no master has the first row.
    """

    def __init__(self, rows: int = ROWS) -> None:
        # Nothing is taken of the machine's memory before it is written to.
        self._counts = _words(rows * CELLS)
        self._owners = _words(rows)
        # How many rows there is anything in.
        self._used = _words(1)
        self._used[0] = 1
        self._row = 0

    def claim(self) -> int:
        """A free row, for the worker that is forked next and inherits it; -1 where none is."""
        for row, owner in enumerate(self._owners):
            if owner and not _is_child(owner):
                self._free(row)
            if not self._owners[row]:
                self._row = row
                self._used[0] = max(self._used[0], row + 1)
                return row
        self._row = -1
        return -1

    def assign(self, row: int, pid: int) -> None:
        """The row is this worker's from now on."""
        for other, owner in enumerate(self._owners):
            if owner == pid:
                # A process that is gone had this number before.
                self._free(other)
        if row >= 0:
            self._owners[row] = pid

    def begin(self) -> None:
        """In the worker: count for itself, if it got no row."""
        if self._row >= 0:
            return
        self._counts = memoryview(bytearray(CELLS * _BYTES)).cast("I")
        self._used = memoryview(bytearray(_BYTES)).cast("I")
        self._used[0] = 1
        self._row = 0

    def enter(self, key: bytes, limit: int) -> int:
        """Count one more for this key, and give what `leave` needs; -1, and nothing counted, above the limit.

        Of two that come in the same moment at the limit both may be refused, but never are too many let in.
        """
        place = int.from_bytes(blake2b(key, digest_size=8).digest(), "little")
        counts, base = self._counts, self._row * CELLS
        cells = _cells(place)
        for cell in cells:
            counts[base + cell] += 1
        rows = range(0, self._used[0] * CELLS, CELLS)
        if min(sum(counts[row + cell] for row in rows) for cell in cells) > limit:
            self.leave(place)
            return -1
        return place

    def leave(self, place: int) -> None:
        """What `enter` has counted is over."""
        counts, base = self._counts, self._row * CELLS
        for cell in _cells(place):
            counts[base + cell] -= 1

    def _free(self, row: int) -> None:
        self._owners[row] = 0
        self._counts[row * CELLS : (row + 1) * CELLS] = memoryview(bytes(CELLS * _BYTES)).cast("I")


def _words(count: int) -> memoryview[int]:
    return memoryview(mmap.mmap(-1, count * _BYTES)).cast("I")


def _cells(place: int) -> set[int]:
    return {(place >> (_CELL_BITS * look)) & (CELLS - 1) for look in range(_LOOKS)}


def _is_child(pid: int) -> bool:
    """Whether it is a process of ours that still runs."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


IN_FLIGHT = SharedCounts()
"""Of requests, for limits on how many there may be; the same in every worker, since the master imports it."""
