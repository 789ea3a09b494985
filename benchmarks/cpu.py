"""CPU time of a process tree, including processes that have ended."""

from __future__ import annotations

import os
from collections.abc import Iterable

from benchmarks.tree import Process, members

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def total_ticks(processes: Iterable[Process]) -> int:
    """Return the user and system time of these processes and of all children they have reaped.

    When a parent reaps a child, the child's time moves to the parent's `reaped`. So the sum over a tree never
    falls, and the time of ended workers still counts.
    """
    return sum(process.own + process.reaped for process in processes)


def tree_seconds(root: int) -> float:
    """Return the CPU seconds that the tree under `root` has used."""
    return total_ticks(members(root)) / TICKS_PER_SECOND
