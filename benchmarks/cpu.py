"""CPU time of a process tree, including processes that have ended."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from benchmarks.tree import PROC, Process, members

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


def tree_nanoseconds(root: int) -> int:
    """Return the CPU time of all running threads of the tree under `root`, as the scheduler counts it.

    It is exact, so it suits short measurements, but without threads and processes that have ended.
    """
    return sum(process_nanoseconds(process.pid) for process in members(root))


def process_nanoseconds(pid: int) -> int:
    """Return the CPU time of a process's running threads; 0 if there is no such process."""
    total = 0
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in (PROC / str(pid) / "task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                total += int((thread / "schedstat").read_text().split()[0])
    return total
