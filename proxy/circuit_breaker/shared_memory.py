"""Memory for circuit breakers that master and workers share: a state and a row for each worker, per breaker.

The master imports this module before it forks. Each breaker has one of the slots, which workers find by its
key. A slot that nobody has used for an hour may go to another breaker.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Callable, MutableSequence, Sequence
from hashlib import blake2b
from typing import NamedTuple, cast

from proxy.circuit_breaker.breaker import GENERATION, LAST_USE, STATE_NUMBERS
from proxy.circuit_breaker.statistics import ROW_INTEGERS, Row
from proxy.limits.in_flight_counts import IN_FLIGHT

SLOTS = 256
"""The circuit breakers that workers can share; each worker has further ones for itself."""

ROWS = 64
"""The number of concurrent workers that can share them."""

REUSE_SECONDS = 3600.0
"""The time after its last use in which a slot belongs to its breaker. A user must not rely on a later use."""

_NUMBER_BYTES = 8
_INTEGER_BYTES = 4


class Slot(NamedTuple):
    """The memory of one circuit breaker."""

    state: MutableSequence[float]
    row: Row
    all_rows: Callable[[], Sequence[Row]]


class BreakerMemory:
    """Slots in memory that is shared across the fork; created before it."""

    def __init__(self, rows: int = ROWS, slots: int = SLOTS) -> None:
        self._rows = rows
        self._slots = slots
        # The kernel allocates the pages only when they are used.
        self._integers = memoryview(mmap.mmap(-1, slots * rows * ROW_INTEGERS * _INTEGER_BYTES)).cast("I")
        self._states = memoryview(mmap.mmap(-1, slots * STATE_NUMBERS * _NUMBER_BYTES)).cast("d")
        self._owners = memoryview(mmap.mmap(-1, slots * _NUMBER_BYTES)).cast("Q")
        # A lock on this file excludes other processes, and ends with a process that dies.
        self._lock = os.memfd_create("circuit breakers")

    def claim(self, key: bytes, now: float, row: int, rows_in_use: Callable[[], int]) -> Slot | None:
        """Return the slot of the breaker with this key, for the worker with this row.

        Return None if there is no such row (-1 is none), or if all slots are taken.
        """
        if not 0 <= row < self._rows:
            return None
        owner = _owner(key)
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            number = self._find(owner, now)
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)
        if number is None:
            return None
        first = number * self._rows

        def all_rows() -> Sequence[Row]:
            return [self._row(first + each) for each in range(min(rows_in_use(), self._rows))]

        return Slot(self._state(number), self._row(first + row), all_rows)

    def state_of(self, key: bytes) -> Sequence[float] | None:
        """Return the state of the breaker with this key; None if it has no slot. Nothing changes."""
        owner = _owner(key)
        for number in range(self._slots):
            if self._owners[number] == owner:
                return self._state(number)
        return None

    def _find(self, owner: int, now: float) -> int | None:
        """Return the slot of this owner, or else one that is free or unused for long, as a new slot."""
        owners = self._owners
        for number in range(self._slots):
            if owners[number] == owner:
                self._state(number)[LAST_USE] = now
                return number
        for number in range(self._slots):
            state = self._state(number)
            if not owners[number] or now - state[LAST_USE] > REUSE_SECONDS:
                owners[number] = owner
                # The counts of the earlier owner are of another generation.
                numbers = [0.0] * STATE_NUMBERS
                numbers[GENERATION], numbers[LAST_USE] = state[GENERATION] + 1, now
                for position, value in enumerate(numbers):
                    state[position] = value
                return number
        return None

    def _state(self, number: int) -> MutableSequence[float]:
        start = number * STATE_NUMBERS
        return cast("MutableSequence[float]", self._states[start : start + STATE_NUMBERS])

    def _row(self, number: int) -> Row:
        return self._integers[number * ROW_INTEGERS : (number + 1) * ROW_INTEGERS]


def _owner(key: bytes) -> int:
    """Return the number that stands for a breaker; 0 stands for none."""
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little") or 1


def own_slot(now: float) -> Slot:
    """Return a slot in the memory of this process alone."""
    row = memoryview(bytearray(ROW_INTEGERS * _INTEGER_BYTES)).cast("I")
    state = [0.0] * STATE_NUMBERS
    state[LAST_USE] = now
    return Slot(state, row, lambda: (row,))


def claim_slot(key: bytes, now: float) -> Slot | None:
    """Return the breaker's slot in the memory that all workers share; None as for `BreakerMemory.claim`."""
    return BREAKERS.claim(key, now, IN_FLIGHT.row, lambda: IN_FLIGHT.rows_in_use)


BREAKERS = BreakerMemory()
"""The circuit breakers of this instance; all workers share them, because the master imports this module."""
