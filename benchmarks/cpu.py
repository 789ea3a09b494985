"""CPU time of a whole process tree, also of those of its processes that have ended."""

from __future__ import annotations

import os
from collections.abc import Iterable

from benchmarks.tree import Process, members

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def total_ticks(processes: Iterable[Process]) -> int:
    """User and system time of these processes and of all children they have waited for.

    A child's time moves from its own figure to its parent's `reaped` when it is waited for, so that the
    sum over a tree never falls, and loses nothing when workers come and go.
    """
    return sum(process.own + process.reaped for process in processes)


def tree_seconds(root: int) -> float:
    """CPU seconds used so far by the tree under `root`."""
    return total_ticks(members(root)) / TICKS_PER_SECOND
