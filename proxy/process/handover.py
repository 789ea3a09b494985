"""Shared memory for the handover between workers: which workers leave, why, and which accept connections.

Each worker has one byte, and all workers share two numbers, in memory that is shared across the fork. Signals
alone say neither why a worker must leave nor when its successor accepts connections.
"""

from __future__ import annotations

import mmap
from enum import IntEnum

_AGE_BYTES = 8
# Created when the master imports its worker class, so that every worker shares them.
_newest_age = mmap.mmap(-1, _AGE_BYTES)
_retired_age = mmap.mmap(-1, _AGE_BYTES)


class Departure(IntEnum):
    """Why a worker leaves: another one replaces it, there are too many workers, or the whole proxy ends."""

    NONE = 0
    REPLACED = 1
    SURPLUS = 2
    ENDING = 3


class DepartureNotice:
    """The departure of one worker, shared by master and worker; created in the master."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    @property
    def departure(self) -> Departure:
        return Departure(self._shared[0])

    def set(self, departure: Departure) -> None:
        """Set the departure; the highest value of several counts."""
        self._shared[0] = max(self._shared[0], departure)


def announce_accepting(age: int) -> None:
    """Announce that the worker of this age accepts connections; gunicorn counts workers from 1."""
    if age > newest_age():
        _write(_newest_age, age)


def newest_age() -> int:
    """Return the age of the newest worker that accepts connections; 0 before there is one."""
    return _read(_newest_age)


def retire_up_to(age: int) -> None:
    """Record, in the master, that a reload replaces all workers up to this age."""
    _write(_retired_age, age)


def last_retired_age() -> int:
    """Return the age up to which the last reload replaces all workers; 0 before the first."""
    return _read(_retired_age)


def last_replaced_age(age: int) -> int:
    """Return the age that a worker must exceed to succeed the worker of this age, which leaves now."""
    retired = _read(_retired_age)
    return retired if retired >= age else newest_age()


def _read(shared: mmap.mmap) -> int:
    return int.from_bytes(shared[:], "little")


def _write(shared: mmap.mmap, age: int) -> None:
    shared[:] = age.to_bytes(_AGE_BYTES, "little")
