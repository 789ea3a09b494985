"""Which workers leave, why, and whether another has followed: known to gunicorn's master and to all workers.

A byte of each worker, and one number for all of them, lie in memory that is shared across the fork: signals
alone say neither why a worker has to go nor when its successor accepts connections.
"""

from __future__ import annotations

import mmap
from enum import IntEnum

_AGE_BYTES = 8
# Made when the master imports its worker class, and so the same in every worker.
_newest = mmap.mmap(-1, _AGE_BYTES)
_retired = mmap.mmap(-1, _AGE_BYTES)


class Departure(IntEnum):
    """Why a worker leaves: another one replaces it, there are too many, or the whole proxy ends."""

    NONE = 0
    REPLACED = 1
    SURPLUS = 2
    ENDING = 3


class Notice:
    """One worker's departure, as master and worker both see it; made in the master."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    @property
    def departure(self) -> Departure:
        return Departure(self._shared[0])

    def give(self, departure: Departure) -> None:
        """The graver one counts, whichever comes first."""
        self._shared[0] = max(self._shared[0], departure)


def announce(age: int) -> None:
    """Say that the worker of this age accepts connections; gunicorn counts workers from 1, as they start."""
    if age > newest():
        _write(_newest, age)


def newest() -> int:
    """The age of the latest worker that has accepted connections; 0 before there was one."""
    return _read(_newest)


def retire(age: int) -> None:
    """Say, in the master, that a reload replaces all workers up to this age."""
    _write(_retired, age)


def predecessor(age: int) -> int:
    """The age that a worker has to be above to succeed the one of this age, which leaves now."""
    retired = _read(_retired)
    return retired if retired >= age else newest()


def _read(shared: mmap.mmap) -> int:
    return int.from_bytes(shared[:], "little")


def _write(shared: mmap.mmap, age: int) -> None:
    shared[:] = age.to_bytes(_AGE_BYTES, "little")
